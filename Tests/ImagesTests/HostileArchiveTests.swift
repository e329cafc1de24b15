import Glibc
import Linux
import TestScratch
import Testing

@testable import Images

/// Archives that want to write, change or read something outside the layer's directory, or to use up the machine.
@Suite("a hostile archive")
struct HostileArchiveTests {
    private let scratch: Scratch
    private let root: String

    init() throws {
        scratch = try Scratch()
        root = scratch("layer/diff")
        try scratch.write("outside/file", "ours")
        try scratch.directory("layer")
    }

    /// What must be as it was.
    private func untouched() throws {
        #expect(try Files.names(in: scratch("outside")) == ["file"])
        #expect(try Files.text(scratch("outside/file")) == "ours")
        #expect(try status(scratch("outside/file")).st_mode == S_IFREG | 0o644)
        #expect(try Files.names(in: scratch("layer")) == ["diff"])
        #expect(try status(scratch("layer/diff")).st_mode & S_IFMT == S_IFDIR)
    }

    static let refused: [String: @Sendable (inout TarBuilder, String) -> Void] = [
        "goes up": { tar, _ in tar.file("../outside/new", "x") },
        "goes up later": { tar, _ in tar.file("a/../../../outside/new", "x") },
        "links to what is above": { tar, _ in tar.link("a", to: "../outside/file") },
        "links to what only the host has": { tar, outside in tar.link("a", to: "\(outside)/file") },
        "links through a link to the host": { tar, outside in
            tar.symbolicLink("way", to: outside)
            tar.link("a", to: "way/file")
        },
        "links to a directory": { tar, _ in
            tar.directory("d")
            tar.link("a", to: "d")
        },
        "links to the root": { tar, _ in tar.link("a", to: "/") },
        "has a file for the root": { tar, _ in tar.file("/", "x") },
        "has a link for the root": { tar, _ in tar.symbolicLink(".", to: "/etc") },
        "goes through a file": { tar, _ in
            tar.file("a", "x")
            tar.file("a/b", "x")
        },
        "goes through a link to itself": { tar, _ in
            tar.symbolicLink("a", to: "a")
            tar.file("a/b", "x")
        },
        "goes through a ring of links": { tar, _ in
            tar.symbolicLink("a", to: "b")
            tar.symbolicLink("b", to: "a")
            tar.file("a/b", "x")
        },
        "goes through a link upward that leads nowhere": { tar, outside in
            tar.symbolicLink("d", to: "\(outside)/..")
            tar.file("d/outside/new", "theirs")
        },
        "whites out itself": { tar, _ in tar.file("a/.wh..", "") },
        "whites out what is above": { tar, _ in tar.file(".wh...", "") },
        "whites out nothing": { tar, _ in tar.file("a/.wh.", "") },
        "ends early": { tar, _ in tar.entry("0", "a", content: [1, 2, 3], size: 1 << 30) },
        "is larger than a file can be": { tar, _ in
            tar.records([
                ("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "9223372036854775807"),
            ])
            tar.file("a", "0\n")
        },
        "has an owner out of range": { tar, _ in
            tar.records([("uid", "4294967295")])
            tar.file("a", "x")
        },
        "has a name of no end": { tar, _ in
            tar.records([("path", String(repeating: "d/", count: 100_000) + "f")])
            tar.file("a", "x")
        },
        "is no archive": { tar, _ in tar.entry("0", "a", content: Array("not a header".utf8), size: -1) },
    ]

    @Test("is refused when it", arguments: Array(refused.keys).sorted())
    func refusal(attack: String) throws {
        var tar = TarBuilder()
        let make = try #require(Self.refused[attack])
        make(&tar, scratch("outside"))
        let error = #expect(throws: ImageError.self) { try unpack(tar.archive, into: root) }
        #expect(error?.code == .invalid, "\(error?.description ?? "")")
        try untouched()
    }

    static let contained: [String: @Sendable (inout TarBuilder, String) -> Void] = [
        "writes to absolute paths": { tar, outside in tar.file("\(outside)/file", "theirs", mode: 0o777) },
        "writes through a link to the host": { tar, outside in
            tar.symbolicLink("way", to: outside)
            tar.file("way/new", "theirs")
            tar.file("way/file", "theirs")
        },
        "writes through a relative link upward": { tar, _ in
            tar.symbolicLink("way", to: "../../outside")
            tar.file("way/new", "theirs")
        },
        "writes through links one after the other": { tar, outside in
            tar.directory("a/b")
            tar.symbolicLink("a/b/up", to: "../../../../../../..")
            tar.symbolicLink("way", to: "a/b/up/\(outside)")
            tar.file("way/new", "theirs")
        },
        "writes to a file that is a link": { tar, outside in
            tar.symbolicLink("file", to: "\(outside)/file")
            tar.file("file", "theirs", mode: 0o777)
        },
        "changes the mode of what a link leads to": { tar, outside in
            tar.symbolicLink("way", to: outside)
            tar.directory("way", mode: 0o777, owner: 9)
        },
        "replaces a directory that is open by a link": { tar, outside in
            tar.file("d/a", "x")
            tar.symbolicLink("d", to: outside)
            tar.file("d/new", "theirs")
        },
        "replaces a parent of a directory that is open": { tar, outside in
            tar.file("d/e/a", "x")
            tar.symbolicLink("d", to: outside)
            tar.file("d/e/new", "theirs")
        },
        "links a link and writes to it": { tar, outside in
            tar.symbolicLink("way", to: "\(outside)/file")
            tar.link("other", to: "way")
            tar.file("other", "theirs")
        },
        "whites out through a link": { tar, outside in
            tar.symbolicLink("way", to: outside)
            tar.file("way/.wh.file")
            tar.file("way/.wh..wh..opq")
        },
        "makes a directory opaque that is a link": { tar, outside in
            tar.symbolicLink("way", to: outside)
            tar.file(".wh.way")
        },
        "gives times to what a directory became": { tar, outside in
            tar.directory("d", time: 1)
            tar.symbolicLink("d", to: outside)
        },
        "makes devices and sets ids": { tar, _ in
            tar.device("sda", type: "4", major: 8, minor: 0)
            tar.file("sh", "x", mode: 0o6777)
        },
    ]

    @Test("stays inside when it", arguments: Array(contained.keys).sorted())
    func containment(attack: String) throws {
        var tar = TarBuilder()
        let make = try #require(Self.contained[attack])
        make(&tar, scratch("outside"))
        let before = try status(scratch("outside"))
        try unpack(tar.archive, into: root)
        try untouched()
        let after = try status(scratch("outside"))
        #expect(before.st_mode == after.st_mode && before.st_uid == after.st_uid)
        #expect(before.st_mtim.tv_sec == after.st_mtim.tv_sec && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec)
    }

    @Test("cannot go through what the host's process has open")
    func magicLinks() throws {
        var tar = TarBuilder()
        tar.symbolicLink("way", to: "/proc/self/cwd")
        tar.file("way/fender-was-here", "theirs")
        try unpack(tar.archive, into: root)
        #expect(!Files.exists("fender-was-here"))
        #expect(try Files.text("\(root)/proc/self/cwd/fender-was-here") == "theirs")
    }

    @Test("that expands without end is refused in the middle")
    func bomb() async throws {
        let zeros = [UInt8](repeating: 0, count: 8 << 20)
        var tar = TarBuilder()
        tar.entry("0", "zeros", content: zeros)
        let packed = try await output("/usr/bin/gzip", "-9", "-c", input: tar.archive)
        for limits in [
            ExpansionLimits(bytes: 1 << 20, factor: 1_000_000),
            ExpansionLimits(bytes: 1 << 40, factor: 100, free: 1 << 20),
        ] {
            let place = "\(root)-\(limits.factor)"
            let error = #expect(throws: ImageError.self) {
                try unpack(packed, of: tar.archive, into: place, limits: limits)
            }
            #expect(error?.code == .invalid)
            #expect(try status("\(place)/zeros").st_size <= 3 << 20)
        }
        let fair = ExpansionLimits(bytes: 1 << 30, factor: 2_000, free: 1 << 20)
        try unpack(packed, of: tar.archive, into: root, limits: fair)
    }

    @Test("a directory tree of any depth is removed, and no link in it followed")
    func removal() async throws {
        let victim = try scratch.directory("victim")
        let program = """
            import os, sys
            os.chdir(sys.argv[1])
            os.mkfifo("pipe")
            open(".removed-1", "w")
            for _ in range(3000):
                os.mkdir("d"); os.mkdir(".removed-2"); os.symlink(sys.argv[2], "link"); os.chdir("d")
            """
        try await output("/usr/bin/python3", "-c", program, victim, scratch("outside"))
        try DirectoryTree.remove(victim)
        #expect(!Files.exists(victim))
        #expect(try Files.text(scratch("outside/file")) == "ours")
        try DirectoryTree.remove(victim)
    }
}
