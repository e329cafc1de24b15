import Linux
import TestScratch
import Testing

@testable import ImageRoot

@Suite("a container's root")
struct ContainerRootTests {
    @Test(
        "takes what is written into its upper directory", arguments: [1, 2, 130],
        overlayMethods)
    func written(count: Int, method: OverlayMount.Method) throws {
        let scratch = try Scratch()
        let layers = try (0..<count).map { index in
            try scratch.write("layer\(index)/f\(index)", "lower")
            return scratch("layer\(index)")
        }
        let upper = ContainerRoot.Upper(
            directory: try scratch.directory("upper"), work: try scratch.directory("work"))
        let root = try scratch.directory("root")
        try OverlayMount.attach(layers: layers, upper: upper, at: root, method: method)
        defer { try? ImageVolumeMount.unmount(root) }
        #expect(try Files.names(in: root).count == count)
        try Files.replace("\(root)/f0", with: Array("mine".utf8))
        #expect(try Files.text(scratch("upper/f0")) == "mine")
        #expect(try Files.text("\(layers[0])/f0") == "lower")
        // Newer kernels call it fsync=volatile.
        let options = try MountTable.read().first { $0.point == root }?.superOptions ?? []
        #expect(options.contains { $0.hasSuffix("volatile") })
    }
}
