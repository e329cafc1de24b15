import Glibc
import Linux
import OCI
import TestScratch
import Testing

@testable import Executor

private let canRun = getuid() == 0 && Files.exists("/bin/busybox")

/// Supervised containers: log, record of the end, and what is left when somebody dies.
@Suite(.enabled(if: canRun), .serialized) struct SupervisorTests {
    @Test func `the log and the record tell all, and nothing else is left`() throws {
        let bundle = try Bundle("echo out; sleep 0.05; echo err >&2; sleep 0.05; printf part; exit 3")
        let before = try descriptors()
        let (container, record) = try bundle.superviseToEnd()
        #expect(try bundle.log() == ["stdout F out", "stderr F err", "stdout P part"])
        #expect((record.code, record.signal, record.oomKills, record.droppedBytes) == (3, 0, 0, 0))
        #expect(record.startedAt > 0 && record.finishedAt - record.startedAt > 100_000_000)
        #expect(record.finishedAt - record.startedAt < 20_000_000_000)
        #expect(container.status() == .stopped)
        let again = try bundle.store.container(bundle.id)
        #expect(again.supervision() == .ended(record))
        let process = again.supervisorDescriptor().number
        #expect(process == -1)
        #expect(try container.delete(force: false).isEmpty)
        #expect(try bundle.remains().isEmpty)
        // But for the monitor's program, which the store keeps.
        #expect(try descriptors() <= before + 1)
    }

    private func descriptors() throws -> Int { try Files.names(in: "/proc/self/fd").count }

    @Test func `the times are those of the lines`() throws {
        let date = "busybox date -u +%FT%T"
        let bundle = try Bundle("\(date); sleep 1.1; \(date)")
        let (container, _) = try bundle.superviseToEnd()
        defer { _ = try? container.delete(force: true) }
        for line in try Files.text(bundle.scratch("log/0.log")).split(separator: "\n") {
            let words = line.split(separator: " ")
            let late = second(of: words[0]) - second(of: words[3])
            #expect((0...1).contains((late + 86_400) % 86_400), "\(line)")
            #expect(late < 0 || words[0].prefix(10) == words[3].prefix(10))
            #expect(words[0].hasSuffix("Z") && words[0].utf8.count == 30)
        }
    }

    /// Of the day.
    private func second(of time: Substring) -> Int {
        time.dropFirst(11).prefix(8).split(separator: ":").reduce(0) { $0 * 60 + (Int($1) ?? 0) }
    }

    @Test(arguments: [
        (16384, true, ["F 16384"]), (16385, true, ["P 16384", "F 1"]), (16384, false, ["P 16384"]),
        (40_000, true, ["P 16384", "P 16384", "F 7232"]), (32_768, false, ["P 16384", "P 16384"]),
        (0, true, ["F 0"]), (1, true, ["F 1"]),
    ])
    func `long lines go on in further ones`(length: Int, hasEnd: Bool, lines: [String]) throws {
        let bundle = try Bundle(
            "busybox head -c \(length) /dev/zero | busybox tr '\\0' x; \(hasEnd ? "echo" : "true"); echo e >&2")
        let (container, _) = try bundle.superviseToEnd()
        defer { _ = try? container.delete(force: true) }
        let found = try bundle.log().filter { $0.hasPrefix("stdout ") }.map { line in
            let words = line.split(separator: " ", omittingEmptySubsequences: false)
            #expect(words[2].allSatisfy { $0 == "x" })
            return "\(words[1]) \(words[2].count)"
        }
        #expect(found == lines)
    }

    @Test func `a signal ends it`() throws {
        let bundle = try Bundle("exec sleep 1000")
        let container = try bundle.supervise()
        #expect(container.supervision() == .supervised)
        #expect(container.status() == .created)
        _ = try container.start()
        try container.kill(SIGKILL, all: false)
        let record = try bundle.end(of: container)
        #expect((record.code, record.signal) == (137, SIGKILL))
        _ = try container.delete(force: false)
        #expect(try bundle.remains().isEmpty)
    }

    @Test func `what memory ends is told`() throws {
        let bundle = try Bundle(
            "exec busybox tail /dev/zero", linux: #","resources":{"memory":{"limit":16777216,"swap":16777216}}"#)
        let (container, record) = try bundle.superviseToEnd()
        defer { _ = try? container.delete(force: true) }
        #expect(record.code == 137)
        #expect(record.oomKills >= 1)
    }

    @Test func `a container starts within one mebibyte`() throws {
        let bundle = try Bundle(
            "echo x", linux: #","resources":{"memory":{"limit":1048576,"swap":1048576}}"#)
        let (container, record) = try bundle.superviseToEnd()
        defer { _ = try? container.delete(force: true) }
        #expect(record.code == 0)
        #expect(try bundle.log() == ["stdout F x"])
    }

    @Test func `the supervisor holds nothing of ours, and stands in the cgroup it was given`() throws {
        let bundle = try Bundle("exec sleep 1000")
        let path = bundle.scratch("secret")
        let leak = open(path, O_RDWR | O_CREAT, 0o600)
        defer { close(leak) }
        let cgroup = "/\(bundle.id)-monitor"
        let container = try bundle.supervise { $0.cgroup = cgroup }
        defer { _ = try? container.delete(force: true) }
        _ = try container.start()
        for pid in [container.supervisorPID, container.pid] {
            let files = try Files.names(in: "/proc/\(pid)/fd").map {
                ProcessIdentity.link("/proc/\(pid)/fd/\($0)") ?? ""
            }
            #expect(!files.contains(path))
            #expect(files.count <= 9, "\(files)")
        }
        let stdio = (0..<3).map { ProcessIdentity.link("/proc/\(container.supervisorPID)/fd/\($0)") }
        #expect(stdio.allSatisfy { $0 == "/dev/null" })
        #expect(try Files.names(in: "/proc/\(container.pid)/fd") == ["0", "1", "2"])
        #expect(try Files.text("/proc/\(container.supervisorPID)/cgroup").contains(cgroup))
        #expect(try !Files.text("/proc/\(container.pid)/cgroup").contains(cgroup))
        _ = try container.delete(force: true)
        for mount in try MountTable.read() where mount.type == "cgroup" || mount.type == "cgroup2" {
            try Files.removeDirectory(mount.point + cgroup)
        }
    }

    @Test func `what a first process leaves behind ends with it`() throws {
        let bundle = try Bundle(
            "sleep 1000 & (setsid sleep 1001 &) ; echo x",
            linux: #","namespaces":[{"type":"mount"},{"type":"uts"},{"type":"ipc"}]"#)
        let (container, record) = try bundle.superviseToEnd()
        #expect(record.code == 0)
        #expect(try bundle.log() == ["stdout F x"])
        #expect(try container.processes().isEmpty)
        _ = try container.delete(force: false)
        #expect(try bundle.remains().isEmpty)
    }

    @Test(arguments: [false, true])
    func `the first process dies with its supervisor`(isStarted: Bool) throws {
        let bundle = try Bundle("exec sleep 1000", process: #","user":{"uid":7}"#)
        let container = try bundle.supervise()
        if isStarted { _ = try container.start() }
        let supervisor = try #require(container.record.supervisor)
        let first = try #require(container.record.process)
        _ = try supervisor.send(SIGKILL)
        #expect(supervisor.waitForEnd(milliseconds: 10_000))
        #expect(first.waitForEnd(milliseconds: 10_000))
        #expect(container.supervision() == .lost)
        #expect(container.status() == .stopped)
        _ = try container.delete(force: true)
        #expect(try bundle.remains().isEmpty)
    }

    @Test func `a container in a user namespace is served by one outside of it`() throws {
        let maps = #"[{"containerID":0,"hostID":100000,"size":65536}]"#
        let kinds = ["user", "pid", "mount", "uts", "ipc", "network"].map { #"{"type":"\#($0)"}"# }
        let bundle = try Bundle(
            "echo again > /dev/stdout; exec sleep 1000",
            linux: #"""
                ,"uidMappings":\#(maps),"gidMappings":\#(maps),"namespaces":[\#(kinds.joined(separator: ","))]
                """#,
            more: #"""
                ,"mounts":[{"destination":"/proc","type":"proc","source":"proc"},
                {"destination":"/dev","type":"tmpfs","source":"tmpfs","options":["mode=755"]}]
                """#)
        try system("chmod") { chmod(bundle.scratch.path, 0o755) }
        for name in ["proc", "dev"] { try Files.makeDirectories(bundle.scratch("bundle/rootfs/\(name)")) }
        let container = try bundle.supervise()
        defer { _ = try? container.delete(force: true) }
        _ = try container.start()
        var process = try container.process()
        process.arguments = ["sh", "-c", "busybox id -u; cat /proc/self/uid_map; echo more > /dev/stdout; exit 6"]
        let collected = try container.exec(process, Container.SessionOptions()).collect(limit: 1000)
        #expect(collected.code == 6)
        let words = String(decoding: collected.stdout, as: UTF8.self).split { $0 == " " || $0 == "\n" }
        #expect(words == ["0", "0", "100000", "65536", "more"])
        try container.kill(SIGKILL, all: false)
        #expect(try bundle.end(of: container).code == 137)
        #expect(try bundle.log() == ["stdout F again"])
    }

    @Test func `joined namespaces are the container's and not its supervisor's`() throws {
        let first = try Bundle(
            "exec sleep 1000",
            linux: #"""
                ,"namespaces":[{"type":"pid"},{"type":"mount"},{"type":"uts"},{"type":"ipc"},{"type":"network"}]
                """#)
        let pod = try first.supervise()
        defer { _ = try? pod.delete(force: true) }
        _ = try pod.start()
        let joined = ["pid", "uts", "ipc", "network"].map { kind in
            #"{"type":"\#(kind)","path":"/proc/\#(pod.pid)/ns/\#(kind == "network" ? "net" : kind)"}"#
        }
        let second = try Bundle(
            "exec sleep 1000",
            linux: #"""
                ,"namespaces":[\#(joined.joined(separator: ",")),{"type":"mount"}]
                """#)
        let container = try second.supervise()
        defer { _ = try? container.delete(force: true) }
        _ = try container.start()
        for name in ["pid", "uts", "ipc", "net"] {
            let link = ProcessIdentity.link("/proc/\(container.pid)/ns/\(name)")
            #expect(link == ProcessIdentity.link("/proc/\(pod.pid)/ns/\(name)"))
            #expect(
                ProcessIdentity.link("/proc/\(container.supervisorPID)/ns/\(name)")
                    == ProcessIdentity.link("/proc/self/ns/\(name)"))
        }
        try container.kill(SIGTERM, all: false)
        #expect(try second.end(of: container).signal == SIGTERM)
        #expect(pod.supervision() == .supervised)
    }

    @Test func `a log that cannot be opened is told and all is undone`() throws {
        let bundle = try Bundle("exit 0")
        let path = bundle.scratch("none/0.log")
        #expect { try bundle.supervise { $0.logPath = path } } throws: {
            "\($0)" == "open log: \(path): no such file or directory"
        }
        #expect(try bundle.remains().isEmpty)
    }

    @Test func `a failed step is told and undone`() throws {
        let bundle = try Bundle("exit 0", more: #","process":{"cwd":"/","args":["/none"]}"#)
        #expect { try bundle.supervise() } throws: { "\($0)" == "exec: \"/none\": no such file or directory" }
        #expect(try bundle.remains().isEmpty)
    }

    @Test func `a full disk drops whole lines, counts them, and stops nobody`() throws {
        let bundle = try Bundle(
            "i=0; while [ $i -lt 4000 ]; do echo 123456789012345678901234567890123456789012345678; i=$((i+1)); done")
        try Files.makeDirectories(bundle.scratch("small"))
        try system("mount") { mount("tmpfs", bundle.scratch("small"), "tmpfs", 0, "size=64k") }
        defer { umount2(bundle.scratch("small"), CInt(MNT_DETACH)) }
        let path = bundle.scratch("small/0.log")
        let (container, record) = try bundle.superviseToEnd { $0.logPath = path }
        defer { _ = try? container.delete(force: true) }
        #expect(record.code == 0)
        let lines = try Files.text(path).split(separator: "\n")
        #expect(lines.allSatisfy { $0.utf8.count == 88 })
        #expect(record.droppedLines > 0)
        #expect(lines.count + Int(record.droppedLines) == 4000)
        #expect(record.droppedBytes == record.droppedLines * 89)
    }
}
