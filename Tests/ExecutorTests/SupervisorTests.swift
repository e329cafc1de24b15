import Glibc
import Linux
import OCI
import TestScratch
import Testing

@testable import Executor

private let canRun = getuid() == 0 && Files.exists("/bin/busybox")
private let canLimitMemory =
    Files.exists("/sys/fs/cgroup/memory/memory.limit_in_bytes")
    || ((try? Files.text("/sys/fs/cgroup/cgroup.controllers")) ?? "").split(separator: " ").contains("memory")

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

    @Test(arguments: [
        ("trap 'exit 5' TERM; echo ready; sleep 1000 & wait", UInt32(30_000), Int32(5)),
        ("trap '' TERM; echo ready; sleep 1000", 300, 137), ("trap '' TERM; echo ready; sleep 1000", 0, 137),
    ])
    func `it is stopped by a signal or by force`(script: String, grace: UInt32, code: Int32) throws {
        let bundle = try Bundle(script)
        let container = try bundle.supervise()
        defer { _ = try? container.delete(force: true) }
        let client = try container.attach(.stdout)
        _ = try container.start()
        var entry = pollfd(fd: client.socket.raw, events: Int16(POLLIN), revents: 0)
        #expect(poll(&entry, 1, 10_000) == 1)
        #expect { try container.stop(signal: 1000, graceMilliseconds: 0) } throws: {
            "\($0)" == "stop container \(container.id): invalid argument"
        }
        try container.stop(signal: SIGTERM, graceMilliseconds: 60_000)
        // It may have ended by now.
        try? container.stop(signal: SIGTERM, graceMilliseconds: grace)
        #expect(try bundle.end(of: container).code == code)
    }

    @Test(.enabled(if: canLimitMemory)) func `what memory ends is told`() throws {
        let bundle = try Bundle(
            "exec busybox tail /dev/zero", linux: #","resources":{"memory":{"limit":16777216,"swap":16777216}}"#)
        let (container, record) = try bundle.superviseToEnd()
        defer { _ = try? container.delete(force: true) }
        #expect(record.code == 137)
        #expect(record.oomKills >= 1)
    }

    @Test(.enabled(if: canLimitMemory)) func `a container starts within one mebibyte`() throws {
        let bundle = try Bundle(
            "echo x", linux: #","resources":{"memory":{"limit":1048576,"swap":1048576}}"#)
        let (container, record) = try bundle.superviseToEnd()
        defer { _ = try? container.delete(force: true) }
        #expect(record.code == 0)
        #expect(try bundle.log() == ["stdout F x"])
    }

    @Test func `ten supervisors cost less than 300 KiB each`() throws {
        let bundles = try (0..<10).map { _ in try Bundle("while :; do echo x; sleep 1000; done") }
        // One store, as a daemon has: the monitor's pages are shared.
        let store = bundles[0].store
        var containers: [Container] = []
        defer { for container in containers { _ = try? container.delete(force: true) } }
        for bundle in bundles {
            var options = SupervisorOptions(bundle: bundle.scratch("bundle"))
            options.logPath = bundle.scratch("0.log")
            try Files.makeDirectories(bundle.scratch("out"))
            containers.append(try store.supervise(bundle.id, options))
            _ = try containers.last?.start()
        }
        let sizes = try containers.map { container in
            let text = try Files.text("/proc/\(container.supervisorPID)/smaps_rollup")
            let line = text.split(separator: "\n").first { $0.hasPrefix("Pss:") }
            return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? .max
        }
        #expect(sizes.reduce(0, +) / sizes.count < 300, "\(sizes)")
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
                (try? Files.linkTarget("/proc/\(pid)/fd/\($0)")) ?? ""
            }
            #expect(!files.contains(path))
            #expect(files.count <= 9, "\(files)")
        }
        let stdio = (0..<3).map { (try? Files.linkTarget("/proc/\(container.supervisorPID)/fd/\($0)")) }
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
            let link = (try? Files.linkTarget("/proc/\(container.pid)/ns/\(name)"))
            #expect(link == (try? Files.linkTarget("/proc/\(pod.pid)/ns/\(name)")))
            #expect(
                (try? Files.linkTarget("/proc/\(container.supervisorPID)/ns/\(name)"))
                    == (try? Files.linkTarget("/proc/self/ns/\(name)")))
        }
        try container.kill(SIGTERM, all: false)
        #expect(try second.end(of: container).signal == SIGTERM)
        #expect(pod.supervision() == .supervised)
    }

    @Test func `a failed step is told and undone`() throws {
        let bundle = try Bundle("exit 0", more: #","process":{"cwd":"/","args":["/none"]}"#)
        #expect { try bundle.supervise() } throws: { "\($0)" == "exec: \"/none\": no such file or directory" }
        #expect(try bundle.remains().isEmpty)
    }
}
