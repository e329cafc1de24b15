import Glibc
import Linux
import OCI
import TestScratch
import Testing

@testable import Executor

private let canRun = getuid() == 0 && Files.exists("/bin/busybox")

/// Namespaces and mounts on the kernel that is here.
@Suite(.enabled(if: canRun), .serialized) struct NamespaceTests {
    private static let kinds = #"{"type":"pid"},{"type":"mount"},{"type":"uts"},{"type":"ipc"}"#

    private func own(_ path: String, _ id: UInt32) throws {
        try system("chown", path) { lchown(path, id, id) }
        var status = stat()
        try system("lstat", path) { lstat(path, &status) }
        guard status.st_mode & S_IFMT == S_IFDIR else { return }
        for name in try Files.names(in: path) { try own("\(path)/\(name)", id) }
    }

    @Test func `a user namespace has the maps wanted and the host's devices`() throws {
        let maps = #"[{"containerID":0,"hostID":100000,"size":65536}]"#
        let bundle = try Bundle(
            "{ cat /proc/self/uid_map /proc/self/gid_map; id -u; echo x > /dev/null && echo null; } > /out/o",
            linux: #"""
                ,"uidMappings":\#(maps),"gidMappings":\#(maps),"namespaces":[{"type":"user"},\#(Self.kinds)]
                """#)
        try Files.makeDirectories(bundle.scratch("out"))
        try own(bundle.scratch.path, 100_000)
        try bundle.run()
        let words = try bundle.output().split { $0 == " " || $0 == "\n" }
        #expect(words == ["0", "100000", "65536", "0", "100000", "65536", "0", "null"])
        #expect(try bundle.remains().isEmpty)
    }

    @Test func `a user namespace is joined, and its root need not reach the bundle`() async throws {
        let maps = #"[{"containerID":0,"hostID":100000,"size":65536}]"#
        let scratch = try Scratch()
        let pins = PinnedNamespaces(directory: scratch("pins"))
        let range = IDRange(inside: 0, host: 100_000, count: 65536)
        try await pins.make([.ipc, .uts], maps: IDMaps(users: [range], groups: [range])) {
            try system("sethostname") { sethostname("pinned", 6) }
        }
        defer { try? pins.release() }
        let joined = ["user", "ipc", "uts"].map { #"{"type":"\#($0)","path":"\#(scratch("pins"))/\#($0)"}"# }
        let bundle = try Bundle(
            "{ cat /proc/self/uid_map; hostname; id -u; } > /out/o",
            linux: #"""
                ,"uidMappings":\#(maps),"gidMappings":\#(maps),
                "namespaces":[\#(joined.joined(separator: ",")),{"type":"pid"},{"type":"mount"}]
                """#)
        try Files.makeDirectories(bundle.scratch("out"))
        try own(bundle.scratch("bundle/rootfs"), 100_000)
        try own(bundle.scratch("out"), 100_000)
        try system("chmod") { chmod(bundle.scratch.path, 0o700) }
        try bundle.run()
        let words = try bundle.output().split { $0 == " " || $0 == "\n" }
        #expect(words == ["0", "100000", "65536", "pinned", "0"])
        #expect(try bundle.remains().isEmpty)
    }

    @Test func `an id-mapped mount shows its files under other ids`() throws {
        let scratch = try Scratch()
        try scratch.write("f", "x")
        try system("chmod") { chmod(scratch.path, 0o755) }
        let maps = #"[{"containerID":0,"hostID":7000,"size":10}]"#
        let bundle = try Bundle(
            "stat -c %u /m/f > /out/o",
            more: #"""
                ,"mounts":[{"destination":"/proc","type":"proc","source":"proc"},
                {"destination":"/out","type":"bind","source":"OUT","options":["bind"]},
                {"destination":"/m","type":"bind","source":"\#(scratch.path)","options":["bind","idmap"],
                "uidMappings":\#(maps),"gidMappings":\#(maps)}]
                """#)
        try bundle.run()
        #expect(try bundle.output() == "7000")
    }

    @Test(arguments: [
        ("ro", "inner"), ("rro", ""),
    ])
    func `rro reaches the mounts below and ro does not`(option: String, written: String) throws {
        let scratch = try Scratch()
        try Files.makeDirectories(scratch("inner"))
        try mountTmpfs(scratch("inner"))
        defer { umount2(scratch("inner"), CInt(MNT_DETACH)) }
        let bundle = try Bundle(
            "{ for d in /m /m/inner; do (: > $d/x) 2>/dev/null && echo ${d#/m/}; done; true; } > /out/o",
            more: #"""
                ,"mounts":[{"destination":"/out","type":"bind","source":"OUT","options":["bind"]},
                {"destination":"/m","type":"bind","source":"\#(scratch.path)","options":["rbind","\#(option)"]}]
                """#)
        try bundle.run()
        #expect(try bundle.output() == written)
    }

    private func mountTmpfs(_ path: String) throws {
        try system("mount", path) { mount("tmpfs", path, "tmpfs", 0, nil) }
    }

    @Test func `tmpcopyup keeps what the image has`() throws {
        let bundle = try Bundle(
            "{ ls /bin | grep -c .; touch /bin/new && echo writable; } > /out/o",
            more: #"""
                ,"mounts":[{"destination":"/out","type":"bind","source":"OUT","options":["bind"]},
                {"destination":"/bin","type":"tmpfs","source":"tmpfs","options":["tmpcopyup"]}]
                """#)
        try bundle.run()
        #expect(try bundle.output() == "12\nwritable")
    }

    @Test(.enabled(if: Machine.hasTimeNamespaces)) func `a time namespace has its offsets`() throws {
        let bundle = try Bundle(
            "cat /proc/self/timens_offsets > /out/o",
            linux: #","timeOffsets":{"boottime":{"secs":5000}},"namespaces":[{"type":"time"},\#(Self.kinds)]"#)
        try bundle.run()
        #expect(try bundle.output().split { $0 == " " || $0 == "\n" }.contains("5000"))
    }

    @Test func `a namespace is joined by path, and one of another kind refused`() throws {
        let first = try Bundle("exec sleep 1000", more: #","hostname":"first""#)
        let container = try first.create()
        defer { _ = try? container.delete(force: true) }
        let path = "/proc/\(container.pid)/ns/uts"
        let kinds = #"{"type":"pid"},{"type":"mount"},{"type":"ipc"}"#
        let second = try Bundle(
            "hostname > /out/o", linux: #","namespaces":[\#(kinds),{"type":"uts","path":"\#(path)"}]"#)
        try second.run()
        #expect(try second.output() == "first")
        let third = try Bundle("exit 0", linux: #","namespaces":[{"type":"mount"},{"type":"net","path":"\#(path)"}]"#)
        #expect(throws: (any Error).self) { try third.create() }
        let fourth = try Bundle(
            "exit 0", linux: #","namespaces":[{"type":"mount"},{"type":"network","path":"\#(path)"}]"#)
        #expect { try fourth.create() } throws: { "\($0)" == "join namespace: \(path): invalid argument" }
    }

    /// What the image says of /dev, /proc and the volume must not lead out of the root (CVE-2021-30465, -2026-41579).
    @Test(arguments: ["dev", "proc", "out", "m"])
    func `a link in the image leads nowhere outside`(name: String) throws {
        let victim = try Scratch()
        let bundle = try Bundle(
            "exit 0",
            more: #"""
                ,"mounts":[{"destination":"/dev","type":"tmpfs","source":"tmpfs"},
                {"destination":"/proc","type":"proc","source":"proc"},
                {"destination":"/out","type":"bind","source":"OUT","options":["bind"]},
                {"destination":"/m/deep/er","type":"tmpfs","source":"tmpfs"}]
                """#)
        let link = bundle.scratch("bundle/rootfs/\(name)")
        rmdir(link)
        try system("symlink", link) { symlink(victim.path, link) }
        let mounts = try MountTable.read().count
        // Made within the root, or refused; the host's directory of that name has nothing either way.
        _ = try? bundle.run()
        #expect(try Files.names(in: victim.path).isEmpty)
        #expect(try MountTable.read().count == mounts)
        #expect(try bundle.remains().isEmpty)
    }
}
