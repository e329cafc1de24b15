import Glibc
import Linux
import TestScratch
import Testing

@testable import ImageRoot

@Suite("Image volumes", .enabled(if: getuid() == 0, "needs root"))
struct ImageVolumeMountTests {
    /// What a thread saw of a mount.
    private struct Sight: Sendable, Equatable {
        var path = ""
        var content: String?
        var options: Set<String> = []
        var writeError: CInt = 0
        var left: [String] = []
        var after: [String] = []
    }

    @Test(
        "an image of any number of layers is mounted read-only, and goes again",
        arguments: [1, 2, 3], [nil] + overlayMethods)
    func mounted(count: Int, method: OverlayMount.Method?) throws {
        let scratch = try Scratch()
        let layers = try scratch.layers((0..<count).map { ["file": "\($0)", "\($0)": "x"] })
        let place = scratch("volumes/a b")
        let volumes = scratch("volumes")
        let sight = try inPrivateMounts {
            var sight = Sight()
            sight.path = try ImageVolumeMount.mount(layers: layers, at: place, subPath: "", method: method)
            sight.content = try Files.text(place + "/file") + Files.text(place + "/\(count - 1)")
            let entry = try MountTable.read().last { $0.point == place }
            sight.options = Set(entry?.options ?? [])
            _ = try? Descriptor.open(place + "/new", O_WRONLY | O_CREAT, mode: 0o600)
            sight.writeError = errno
            sight.left = try ImageVolumeMount.leftovers(below: volumes)
            try ImageVolumeMount.unmount(place)
            try ImageVolumeMount.unmount(place)
            sight.after = try ImageVolumeMount.leftovers(below: volumes)
            return sight
        }
        #expect(sight.path == place)
        #expect(sight.content == "0x")
        #expect(sight.options.isSuperset(of: ["ro", "nosuid", "nodev"]))
        #expect(sight.writeError == EROFS)
        #expect(sight.left == [place])
        #expect(sight.after == [])
        #expect(!Files.exists(place))
        #expect(try MountTable.read().filter { $0.point.hasPrefix(scratch.path) } == [])
    }

    @Test("mounting again replaces what a crash left")
    func again() throws {
        let scratch = try Scratch()
        let layers = try scratch.layers([["file": "old"], ["file": "new"]])
        let place = scratch("volumes/v")
        let seen = try inPrivateMounts {
            for _ in 0..<3 { _ = try ImageVolumeMount.mount(layers: layers, at: place) }
            _ = try ImageVolumeMount.mount(layers: [layers[1]], at: place)
            let count = try MountTable.read().filter { $0.point == place }.count
            let text = try Files.text(place + "/file")
            try ImageVolumeMount.unmount(place)
            return "\(count) \(text)"
        }
        #expect(seen == "1 new")
    }

    @Test(
        "a sub-path leads to where it is in the image",
        arguments: [
            ("", ""), ("data", "/data"), ("/data/deep", "/data/deep"), ("data/../data/deep/", "/data/deep"),
            ("link", "/data/deep"), ("absolute", "/data/deep"), ("up", "/data/deep"), ("data/file", "/data/file"),
            ("../../data", "/data"), (".", ""),
        ])
    func subPath(given: String, found: String) throws {
        let scratch = try Scratch()
        let layers = try scratch.layers([["data/deep/x": "1"], ["data/file": "2"]])
        symlink("data/deep", layers[0] + "/link")
        symlink("/data/deep", layers[0] + "/absolute")
        symlink("../../../../data/deep", layers[0] + "/up")
        let place = scratch("volumes/v")
        let path = try inPrivateMounts {
            defer { try? ImageVolumeMount.unmount(place) }
            return try ImageVolumeMount.mount(layers: layers, at: place, subPath: given)
        }
        #expect(path == place + found)
    }

    @Test(
        "a sub-path that is not in the image fails, and nothing stays mounted",
        arguments: [
            ("absent", .notFound), ("data/absent/x", .notFound), ("out", .notFound), ("loop", .notFound),
            ("data/file/x", .notFound), ("fifo", .invalid), ("a\u{0}b", .invalid),
            (String(repeating: "a/", count: 3_000), .invalid),
        ] as [(String, ImageRootError.Code)])
    func badSubPath(given: String, code: ImageRootError.Code) throws {
        let scratch = try Scratch()
        let layers = try scratch.layers([["data/file": "1"], ["x": "2"]])
        try scratch.write("secret", "outside")
        symlink(scratch.path, layers[0] + "/out")
        symlink("loop", layers[0] + "/loop")
        mkfifo(layers[0] + "/fifo", 0o600)
        let place = scratch("volumes/v")
        let outcome = try inPrivateMounts { () -> (ImageRootError.Code?, Int) in
            var code: ImageRootError.Code?
            do {
                _ = try ImageVolumeMount.mount(layers: layers, at: place, subPath: given)
            } catch let error as ImageRootError {
                code = error.code
            }
            return (code, try ImageVolumeMount.leftovers(below: scratch.path).count)
        }
        #expect(outcome.0 == code)
        #expect(outcome.1 == 0)
        #expect(!Files.exists(place))
    }

    @Test("leftovers are listed innermost and latest first, those of others not at all")
    func leftovers() throws {
        let scratch = try Scratch()
        let layers = try scratch.layers([["inner/x": "1"]])
        let volumes = scratch("volumes")
        let found = try inPrivateMounts {
            _ = try ImageVolumeMount.mount(layers: layers, at: volumes + "/a")
            _ = try ImageVolumeMount.mount(layers: layers, at: volumes + "/b")
            _ = try ImageVolumeMount.mount(layers: layers, at: volumes + "-other")
            let found = try ImageVolumeMount.leftovers(below: volumes)
            for place in found + [volumes + "-other"] { try ImageVolumeMount.unmount(place) }
            return found
        }
        #expect(found == [volumes + "/b", volumes + "/a"])
    }

    @Test(
        "places that are none are refused",
        arguments: ["", "relative/x", "/", "/tmp", "/tmp/../etc/x", "/tmp/\u{0}x/y"])
    func badPlaces(place: String) {
        #expect(throws: ImageRootError.self) { try ImageVolumeMount.mount(layers: ["/tmp"], at: place) }
        #expect(throws: ImageRootError.self) { try ImageVolumeMount.unmount(place) }
    }

    @Test("a directory that holds something is not removed")
    func occupied() throws {
        let scratch = try Scratch()
        try scratch.write("volumes/v/file", "kept")
        #expect(throws: ImageRootError.self) { try ImageVolumeMount.unmount(scratch("volumes/v")) }
        #expect(try Files.text(scratch("volumes/v/file")) == "kept")
    }
}
