import CLinux
import Glibc
import Linux
import TestScratch
import Testing

@testable import ImageRoot

private let isRoot = getuid() == 0

/// How this kernel lets overlays be mounted.
let overlayMethods: [OverlayMount.Method] = {
    let release = ((try? Files.text("/proc/sys/kernel/osrelease")) ?? "").split { !$0.isNumber }.compactMap { Int($0) }
    return release.lexicographicallyPrecedes([6, 8]) ? [.onThread] : [.layerByLayer, .onThread]
}()

/// Runs `body` on a thread whose mounts no one else sees.
func inPrivateMounts<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
    try OwnThread.run {
        try system("unshare") { fender_unshare_mounts() }
        return try body()
    }
}

extension Scratch {
    /// Makes layer directories, the topmost first, out of "path": "text".
    func layers(_ contents: [[String: String]]) throws -> [String] {
        try contents.enumerated().map { number, files in
            let layer = try directory("layer:\(number)")
            for (name, text) in files { try write("layer:\(number)/\(name)", text) }
            return layer
        }
    }
}

@Suite("An image's root", .enabled(if: isRoot, "needs root"))
struct ImageRootTests {
    @Test(
        "upper files hide lower ones, also by whiteouts",
        arguments: [nil] + overlayMethods)
    func union(method: OverlayMount.Method?) throws {
        let scratch = try Scratch()
        let layers = try scratch.layers([
            ["etc/passwd": "upper", "only/upper": "u"], ["etc/passwd": "middle", "etc/group": "middle"],
            ["etc/passwd": "lower", "etc/group": "lower", "etc/gone": "lower"],
        ])
        try system("mknod") { mknod(layers[0] + "/etc/gone", S_IFCHR, 0) }
        let before = try MountTable.read()
        let root = ImageRoot(directory: try OverlayMount.open(layers: layers, method: method))
        #expect(try MountTable.read() == before)
        #expect(try root.readFile("/etc/passwd") == Array("upper".utf8))
        #expect(try root.readFile("etc/group") == Array("middle".utf8))
        #expect(try root.readFile("only/upper") == Array("u".utf8))
        #expect(try root.readFile("/etc/gone") == nil)
        #expect(try root.readFile("/absent/x") == nil)
    }

    @Test("one layer is its own root")
    func single() throws {
        let scratch = try Scratch()
        let root = try ImageRoot.open(layers: try scratch.layers([["etc/passwd": "x"]]))
        #expect(try root.readFile("/etc/passwd") == Array("x".utf8))
    }

    @Test("as many layers as Docker makes", arguments: overlayMethods)
    func many(method: OverlayMount.Method) throws {
        let scratch = try Scratch()
        let long = String(repeating: "d", count: 200)
        let layers = try (0..<128).map { number in
            try scratch.write("\(long)/\(long)\(number)/file\(number)", "\(number)")
            return scratch("\(long)/\(long)\(number)")
        }
        let root = ImageRoot(directory: try OverlayMount.open(layers: layers, method: method))
        #expect(try root.readFile("file0") == Array("0".utf8))
        #expect(try root.readFile("file127") == Array("127".utf8))
    }

    @Test("no link leads out of the image", arguments: [1, 2])
    func links(count: Int) throws {
        let scratch = try Scratch()
        let layers = Array(try scratch.layers([["etc/real": "inside"], ["x": "y"]]).prefix(count))
        try scratch.write("secret", "outside")
        for (name, target) in [
            ("up", "../../../../../../../../../../etc/hostname"), ("absolute", "/etc/real"), ("out", scratch("secret")),
            ("loop", "loop"), ("magic", "/proc/self/root/etc/hostname"),
        ] { symlink(target, layers[0] + "/etc/" + name) }
        let root = try ImageRoot.open(layers: layers)
        #expect(try root.readFile("/etc/absolute") == Array("inside".utf8))
        for path in [
            "/etc/up", "/etc/out", "/etc/loop", "/etc/magic", "../../secret", "/../secret", "../layer:1/x/../../secret",
        ] {
            #expect(try root.readFile(path) == nil)
        }
    }

    @Test("directories, FIFOs, devices and over-long files are refused without hanging", arguments: [1, 2])
    func kinds(count: Int) throws {
        let scratch = try Scratch()
        let layers = Array(try scratch.layers([["etc/sparse": "x"], ["x": "y"]]).prefix(count))
        let sparse = layers[0] + "/etc/sparse"
        try system("truncate", sparse) { truncate(sparse, 2 << 30) }
        mkfifo(layers[0] + "/etc/fifo", 0o600)
        try system("mknod") { mknod(layers[0] + "/etc/zero", S_IFCHR | 0o666, 0x105) }
        let root = try ImageRoot.open(layers: layers)
        for path in ["/etc", "/", "/etc/fifo", "/etc/zero", "/etc/sparse", "/etc/\u{0}x"] {
            #expect(throws: ImageRootError.self) { try root.readFile(path, limit: 1 << 20) }
        }
    }

    @Test("the users are read from the image, whose passwd may be a trap")
    func users() throws {
        let scratch = try Scratch()
        let layers = try scratch.layers([["etc/group": "g:x:9:app\n"], ["etc/passwd": "app:x:5:6:::\n"]])
        let user = try UserDatabase.read(from: try ImageRoot.open(layers: layers)).resolve(
            UserRequest(imageUser: "app"))
        #expect(user == ResolvedUser(uid: 5, gid: 6, groups: [6, 9], home: ""))
        let passwd = layers[1] + "/etc/passwd"
        try system("truncate", passwd) { truncate(passwd, 1 << 40) }
        let root = try ImageRoot.open(layers: layers)
        #expect(throws: ImageRootError.self) { try UserDatabase.read(from: root) }
        let empty = try ImageRoot.open(layers: [try scratch.directory("empty")])
        #expect(try UserDatabase.read(from: empty).resolve(UserRequest()).uid == 0)
    }

    @Test("absent layers, none, and too many are refused")
    func refused() throws {
        let scratch = try Scratch()
        let layer = try scratch.directory("layer")
        for layers in [[], ["/absent/layer"], [layer, "/absent/layer"], Array(repeating: layer, count: 501)] {
            #expect(throws: ImageRootError.self) { _ = try ImageRoot.open(layers: layers) }
        }
    }

    @Test("nothing stays open or mounted", arguments: overlayMethods)
    func leaks(method: OverlayMount.Method) throws {
        let scratch = try Scratch()
        let layers = try scratch.layers([["a": "1"], ["b": "2"]])
        for _ in 0..<20 {
            let root = ImageRoot(directory: try OverlayMount.open(layers: layers, method: method))
            _ = try root.readFile("a")
        }
        let open = try Files.names(in: "/proc/self/fd").compactMap { number -> String? in
            var buffer = [CChar](repeating: 0, count: 4_096)
            let count = readlink("/proc/self/fd/\(number)", &buffer, 4_095)
            return count > 0 ? String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
        }
        #expect(open.filter { $0.hasPrefix(scratch.path) } == [])
        #expect(try MountTable.read().filter { $0.point.hasPrefix(scratch.path) } == [])
    }
}
