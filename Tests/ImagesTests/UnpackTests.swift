import CLinux
import Glibc
import Linux
import TestScratch
import Testing

@testable import Images

@Suite("a layer's archive")
struct UnpackTests {
    private let scratch: Scratch
    private let root: String

    init() throws {
        scratch = try Scratch()
        root = scratch("diff")
    }

    @Test("becomes files with modes, owners and times")
    func attributes() throws {
        var tar = TarBuilder()
        tar.directory("./", mode: 0o1777, owner: 7, time: 5_000)
        tar.directory("etc", mode: 0o750, owner: 3, time: 2_000)
        tar.file("etc/passwd", "root\n", mode: 0o4755, owner: 42, time: 3_000)
        tar.symbolicLink("etc/link", to: "/nowhere")
        tar.link("etc/same", to: "/etc/passwd")
        tar.device("null", major: 1, minor: 3)
        tar.device("disk", type: "4", major: 8, minor: 0)
        tar.entry("6", "fifo")
        let usage = try unpack(tar.archive, into: root)
        #expect(usage == LayerUsage(bytes: 5, inodes: 7))
        let file = try status("\(root)/etc/passwd")
        #expect(file.st_mode == S_IFREG | 0o4755)
        #expect(file.st_uid == 42 && file.st_gid == 42 && file.st_mtim.tv_sec == 3_000 && file.st_nlink == 2)
        let directory = try status("\(root)/etc")
        #expect(directory.st_mode == S_IFDIR | 0o750)
        #expect(directory.st_uid == 3 && directory.st_mtim.tv_sec == 2_000)
        let top = try status(root)
        #expect(top.st_mode == S_IFDIR | 0o1777 && top.st_uid == 7 && top.st_mtim.tv_sec == 5_000)
        #expect(try Files.linkTarget("\(root)/etc/link") == "/nowhere")
        #expect(try status("\(root)/null").st_rdev == 0x103)
        #expect(try status("\(root)/disk").st_mode == S_IFBLK | 0o600)
        #expect(try status("\(root)/fifo").st_mode == S_IFIFO | 0o644)
    }

    @Test("may be compressed, whatever the pieces it comes in", arguments: ["gzip", "zstd"], [1, 7, 4096, 1 << 20])
    func compressed(program: String, parts: Int) async throws {
        var tar = TarBuilder()
        let text = (0..<9_000).map { "line \($0)\n" }.joined()
        tar.file("text", text)
        let packed = try await output("/usr/bin/\(program)", "-c", input: tar.archive)
        try unpack(packed, of: tar.archive, into: root, parts: parts)
        #expect(try Files.read("\(root)/text") == Array(text.utf8))
    }

    @Test("may be of several members or frames", arguments: ["gzip", "zstd"])
    func members(program: String) async throws {
        var tar = TarBuilder()
        tar.file("text", "hello")
        let (head, tail) = (Array(tar.archive[..<700]), Array(tar.archive[700...]))
        let packed =
            try await output("/usr/bin/\(program)", "-c", input: head)
            + output("/usr/bin/\(program)", "-c", input: tail) + (program == "gzip" ? [0, 0, 0] : [])
        for parts in [1, 100, 10_000] {
            let place = "\(root)-\(parts)"
            try unpack(packed, of: tar.archive, into: place, parts: parts)
            #expect(try Files.text("\(place)/text") == "hello")
        }
    }

    @Test("cut short or damaged is refused", arguments: ["gzip", "zstd"], ["cut", "damaged"])
    func damaged(program: String, kind: String) async throws {
        var tar = TarBuilder()
        tar.file("text", (0..<9_000).map { "line \($0 * 7919)\n" }.joined())
        var packed = try await output("/usr/bin/\(program)", "-c", input: tar.archive)
        if kind == "cut" { packed.removeLast(9) } else { packed[packed.count / 2] ^= 0x55 }
        #expect(throws: ImageError.self) { try unpack(packed, of: tar.archive, into: root) }
    }

    @Test("of another digest is refused")
    func digest() throws {
        var tar = TarBuilder()
        tar.file("text", "hello")
        let error = #expect(throws: ImageError.self) { try unpack(tar.archive, of: [1], into: root) }
        #expect(error?.code == .invalid)
    }

    @Test("of nothing is an empty layer", arguments: [[], [UInt8](repeating: 0, count: 1024)])
    func empty(archive: [UInt8]) throws {
        #expect(try unpack(archive, into: root) == LayerUsage())
        #expect(try Files.names(in: root) == [])
    }

    @Test("has whiteouts in overlayfs's form")
    func whiteouts() throws {
        var tar = TarBuilder()
        tar.file("etc/.wh.gone")
        tar.file("var/.wh..wh..opq")
        tar.file("var/new", "x")
        tar.file(".wh..wh.plnk")
        // Whiteouts are about layers below, in whatever order they stand.
        tar.file("kept", "x")
        tar.file(".wh.kept")
        tar.file(".wh.turned")
        tar.directory("turned")
        tar.file(".wh.parent")
        tar.file("parent/child", "x")
        try unpack(tar.archive, into: root)
        let gone = try status("\(root)/etc/gone")
        #expect(gone.st_mode & S_IFMT == S_IFCHR && gone.st_rdev == 0)
        #expect(attribute("trusted.overlay.opaque", of: "\(root)/var") == "y")
        #expect(try Files.text("\(root)/kept") == "x")
        for name in ["turned", "parent"] {
            #expect(attribute("trusted.overlay.opaque", of: "\(root)/\(name)") == "y")
        }
        #expect(try Files.names(in: root) == ["etc", "kept", "parent", "turned", "var"])
    }

    @Test("has the attributes that it may have")
    func extendedAttributes() throws {
        var tar = TarBuilder()
        // Version 2 of a capability set, CAP_NET_RAW; its text form has no NUL problem in a pax record.
        let capability = "\u{1}\u{0}\u{0}\u{2}\u{0}\u{20}" + String(repeating: "\u{0}", count: 14)
        tar.records([
            ("SCHILY.xattr.user.note", "hi"), ("SCHILY.xattr.security.capability", capability),
            ("SCHILY.xattr.trusted.overlay.redirect", "/etc"), ("SCHILY.xattr.trusted.overlay.opaque", "y"),
        ])
        tar.file("ping", "x", mode: 0o755, owner: 9)
        try unpack(tar.archive, into: root)
        #expect(attribute("user.note", of: "\(root)/ping") == "hi")
        #expect(attribute("security.capability", of: "\(root)/ping") == capability)
        #expect(attribute("trusted.overlay.redirect", of: "\(root)/ping") == nil)
        #expect(attribute("trusted.overlay.opaque", of: "\(root)/ping") == nil)
    }

    @Test("has long names, names in UTF-8, and sparse files")
    func names() async throws {
        let long = "d" + String(repeating: "é", count: 90) + "/" + String(repeating: "x", count: 200)
        let source = try scratch.directory("source")
        try scratch.write("source/\(long)", "deep")
        try await output("/usr/bin/truncate", "-s", "300M", "\(source)/sparse")
        for format in ["gnu", "pax"] {
            let archive = try await output("/bin/tar", "--sparse", "--format=\(format)", "-C", source, "-c", ".")
            let place = "\(root)-\(format)"
            try unpack(archive, into: place)
            #expect(try Files.text("\(place)/\(long)") == "deep")
            let sparse = try status("\(place)/sparse")
            #expect(sparse.st_size == 300 << 20 && sparse.st_blocks < 100)
        }
    }
}

/// An extended attribute as text; nil when there is none.
private func attribute(_ name: String, of path: String) -> String? {
    var value = [UInt8](repeating: 0, count: 256)
    let count = value.withUnsafeMutableBytes { buffer in
        fender_get_path_attribute(path, name, buffer.baseAddress, buffer.count)
    }
    return count < 0 ? nil : String(decoding: value[..<count], as: UTF8.self)
}
