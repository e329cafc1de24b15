import Glibc
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

    private static func owner(_ path: String) throws -> UInt32 {
        var status = stat()
        try system("lstat", path) { lstat(path, &status) }
        return status.st_uid
    }

    @Test(
        "shows its layers to a user namespace as its own", arguments: [1, 3, 130], overlayMethods)
    func mapped(count: Int, method: OverlayMount.Method) throws {
        let scratch = try Scratch()
        let layers = try (0..<count).map { index in
            try scratch.write("layer\(index)/f\(index)", "lower")
            return scratch("layer\(index)")
        }
        try system("chown") { chown("\(layers[0])/f0", 5, 5) }
        let upper = ContainerRoot.Upper(
            directory: try scratch.directory("upper"), work: try scratch.directory("work"))
        let root = try scratch.directory("root")
        let range = IDRange(inside: 0, host: 7000, count: 100)
        let holder = try NamespaceHolder.make(IDMaps(users: [range], groups: [range]))
        let mounts = try MountTable.read().count
        try OverlayMount.attach(layers: layers, upper: upper, through: holder.path(.user), at: root, method: method)
        defer { try? ImageVolumeMount.unmount(root) }
        #expect(try MountTable.read().count == mounts + 1)
        #expect(try Files.names(in: root).count == count)
        #expect(try Self.owner("\(root)/f0") == 7005)
        // A copy in the upper directory keeps the owner that was seen.
        try Files.poke("\(root)/f0", "mine!")
        #expect(try Self.owner(scratch("upper/f0")) == 7005)
        #expect(try Self.owner("\(layers[0])/f0") == 5)
    }

    @Test("shows an image volume to a user namespace as its own", arguments: [1, 3])
    func mappedVolume(count: Int) throws {
        let scratch = try Scratch()
        let layers = try (0..<count).map { index in
            try scratch.write("layer\(index)/d/f\(index)", "lower")
            return scratch("layer\(index)")
        }
        let range = IDRange(inside: 0, host: 7000, count: 100)
        let holder = try NamespaceHolder.make(IDMaps(users: [range], groups: [range]))
        let place = try scratch.directory("volume")
        let path = try ImageVolumeMount.mount(layers: layers, at: place, subPath: "d", through: holder.path(.user))
        defer { try? ImageVolumeMount.unmount(place) }
        #expect(try Self.owner("\(path)/f0") == 7000)
        let entry = try #require(try MountTable.read().last { $0.point == place })
        #expect(["ro", "nosuid", "nodev"].allSatisfy(entry.options.contains))
    }
}
