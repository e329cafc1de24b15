import Glibc
import Linux
import OCI
import TestScratch
import Testing

@testable import Executor

/// Containers on a machine with cgroup v2 alone; `make test-uml` makes one.
@Suite(.enabled(if: Machine.isUnified), .serialized) struct UnifiedTests {
    private static let point = "/sys/fs/cgroup"

    private func resources(_ text: String) -> String { #","resources":{\#(text)}"# }

    private func running(
        _ script: String = "exec sleep 1000", linux: String = "", _ body: (Bundle, Container, String) throws -> Void
    ) throws {
        let bundle = try Bundle(script, linux: linux)
        let container = try bundle.create()
        defer { _ = try? container.delete(force: true) }
        _ = try container.start()
        try body(bundle, container, "\(Self.point)/\(bundle.id)")
        _ = try container.delete(force: true)
        #expect(try bundle.remains().isEmpty)
    }

    /// A block device: what User-Mode Linux has as its disk.
    private static let disk = "98:0"

    @Test(arguments: [
        (#""cpu":{"shares":1024,"quota":20000,"period":50000}"#, ["cpu.weight=39", "cpu.max=20000 50000"]),
        (#""cpu":{"quota":-1}"#, ["cpu.max=max 100000"]),
        (#""cpu":{"quota":20000,"burst":5000}"#, ["cpu.max=20000 100000", "cpu.max.burst=5000"]),
        (#""cpu":{"idle":1}"#, ["cpu.idle=1"]),
        (
            #""memory":{"limit":67108864,"reservation":33554432,"swap":67108864}"#,
            ["memory.max=67108864", "memory.low=33554432", "memory.swap.max=0"]
        ),
        (#""memory":{"limit":-1}"#, ["memory.max=max"]),
        (#""pids":{"limit":33}"#, ["pids.max=33"]), (#""pids":{"limit":-1}"#, ["pids.max=max"]),
        (
            #""blockIO":{"throttleReadBpsDevice":[{"major":98,"minor":0,"rate":1048576}],"throttleWriteIOPSDevice":[{"major":98,"minor":0,"rate":77}]}"#,
            ["io.max=\(disk) rbps=1048576 wbps=max riops=max wiops=77"]
        ),
        (
            #""unified":{"memory.high":"50331648","pids.max":"44","cgroup.max.descendants":"9"}"#,
            ["memory.high=50331648", "pids.max=44", "cgroup.max.descendants=9"]
        ),
    ])
    func `limits reach their files`(limits: String, files: [String]) throws {
        try running(linux: resources(limits)) { _, _, directory in
            for file in files {
                let name = file.prefix { $0 != "=" }
                guard Files.exists("\(directory)/\(name)") || name != "memory.swap.max" else { continue }
                let value = try Files.text("\(directory)/\(name)")
                #expect(value == file.dropFirst(name.count + 1))
            }
        }
    }

    @Test func `a weight of block devices reaches the scheduler that there is`() throws {
        try running(linux: resources(#""blockIO":{"weight":505}"#)) { _, _, directory in
            let files = [("io.bfq.weight", "default 505"), ("io.weight", "default 5000")]
            for (name, value) in files where Files.exists("\(directory)/\(name)") {
                let found = try Files.text("\(directory)/\(name)")
                #expect(found == value)
            }
        }
    }

    @Test(arguments: [
        (#""unified":{"no.such":"1"}"#, "no such file or directory"),
        (#""unified":{"pids.max":"x"}"#, "invalid argument"),
        (#""memory":{"limit":100,"swap":50}"#, "linux.resources.memory.swap: must be at least the memory limit"),
        (#""hugepageLimits":[{"pageSize":"3MB","limit":1}]"#, "no such file or directory"),
    ])
    func `what cannot be honoured is refused and undone`(limits: String, error: String) throws {
        let bundle = try Bundle("exit 0", linux: resources(limits))
        #expect { try bundle.create() } throws: { "\($0)".hasSuffix(error) }
        #expect(try bundle.remains().isEmpty)
    }

    @Test func `updates change what they name and nothing else`() throws {
        try running(linux: resources(#""memory":{"limit":67108864},"pids":{"limit":20}"#)) { _, container, directory in
            try container.update(Resources(parsing: Array(#"{"memory":{"limit":33554432},"cpu":{"shares":2}}"#.utf8)))
            #expect(try Files.text("\(directory)/memory.max") == "33554432")
            #expect(try Files.text("\(directory)/cpu.weight") == "1")
            #expect(try Files.text("\(directory)/pids.max") == "20")
            let statistics = container.statistics()
            #expect(statistics["data"]?["pids"]?["limit"] == .number("20"))
            #expect(statistics["data"]?["memory"]?["usage"]?["limit"] == .number("33554432"))
            guard case .number(let time)? = statistics["data"]?["cpu"]?["usage"]?["total"] else {
                Issue.record("no processor time in \(statistics)")
                return
            }
            #expect((UInt64(time) ?? 0) > 0)
        }
    }

    @Test func `a paused container stands still, takes no exec, and can be deleted`() throws {
        try running("i=0; while :; do i=$((i+1)); echo $i > /out/o; done") { bundle, container, directory in
            try bundle.await("o")
            try container.pause()
            #expect(container.status() == .paused)
            #expect(try Files.text("\(directory)/cgroup.events").contains("frozen 1"))
            let usage = try Files.text("\(directory)/cpu.stat")
            #expect { try container.exec(try container.process(), Container.ExecOptions()) } throws: {
                "\($0)" == "cannot exec in a paused container"
            }
            #expect(try Files.text("\(directory)/cpu.stat").prefix(30) == usage.prefix(30))
            try container.resume()
            #expect(container.status() == .running)
            // Only one that runs makes it again.
            try Files.remove(bundle.scratch("out/o"))
            try bundle.await("o")
            // So that it is deleted as one that is paused.
            try container.pause()
        }
    }

    @Test func `no more processes than allowed`() throws {
        let bundle = try Bundle(
            "for i in 1 2 3 4 5 6 7 8; do sleep 1000 & done; echo all", linux: resources(#""pids":{"limit":5}"#))
        let (container, record) = try bundle.superviseToEnd()
        defer { _ = try? container.delete(force: true) }
        #expect(record.code == 2)
        #expect(try bundle.log().contains { $0.hasSuffix("sh: can't fork: Resource temporarily unavailable") })
    }

    @Test func `processor time is bounded`() throws {
        try running("while :; do :; done", linux: resources(#""cpu":{"quota":5000,"period":50000}"#)) {
            _, _, directory in
            while try !Files.text("\(directory)/cpu.stat").contains(/nr_throttled [1-9]/) { usleep(1000) }
        }
    }

    @Test func `writes to a disk are slowed down`() throws {
        let rule = #"{"major":98,"minor":0,"rate":1048576}"#
        let bundle = try Bundle(
            "exec busybox dd if=/dev/zero of=/out/o bs=524288 count=3 oflag=direct",
            linux: resources(#""blockIO":{"throttleWriteBpsDevice":[\#(rule)]}"#))
        let (container, record) = try bundle.superviseToEnd()
        defer { _ = try? container.delete(force: true) }
        #expect(record.code == 0)
        // 1.5 MiB at 1 MiB a second.
        #expect(record.finishedAt - record.startedAt > 900_000_000)
    }

    @Test func `memory's end is told, also of one that is not the first process`() throws {
        let limits = resources(#""memory":{"limit":16777216,"swap":16777216}"#)
        let bundle = try Bundle("busybox tail /dev/zero; echo $?; exit 4", linux: limits)
        let (container, record) = try bundle.superviseToEnd()
        defer { _ = try? container.delete(force: true) }
        #expect(record.code == 4)
        #expect(record.oomKills == 1)
        #expect(try bundle.log().contains("stdout F 137"))
    }

    @Test func `devices are those of the rules`() throws {
        let script = """
            busybox mknod /out/kmsg c 1 11; busybox mknod /out/full c 1 7
            (: < /out/full) && echo full; (: < /out/kmsg) 2>/dev/null || echo denied; echo x > /dev/null && echo null
            """
        let process = #","capabilities":{"bounding":["CAP_MKNOD"],"permitted":["CAP_MKNOD"],"effective":["CAP_MKNOD"]}"#
        let denied = #"{"allow":false,"access":"rwm"}"#
        let bundle = try Bundle(
            "{ \(script); } > /out/o", process: process, linux: resources(#""devices":[\#(denied)]"#))
        try bundle.run()
        #expect(try bundle.output() == "full\ndenied\nnull")
        let allowed = #"{"allow":true,"type":"c","major":1,"minor":11,"access":"rw"}"#
        let other = try Bundle(
            "{ \(script); } > /out/o", process: process, linux: resources(#""devices":[\#(denied),\#(allowed)]"#))
        try other.run()
        #expect(try other.output() == "full\nnull")
    }

    @Test func `an exec is in the container's cgroup, also where that hands controllers down`() throws {
        try running { bundle, container, directory in
            var process = try container.process()
            process.arguments = ["sh", "-c", "cat /proc/self/cgroup > /out/o; echo > /out/done; exec sleep 1000"]
            let pid = try container.exec(process, Container.ExecOptions())
            let identity = try #require(ProcessIdentity.find(pid))
            try bundle.await("done")
            #expect(try bundle.output() == "0::/\(bundle.id)")
            #expect(try container.processes().sorted() == [container.pid, pid].sorted())
            // What the first process may do from within, as systemd in a container does.
            try Files.makeDirectories("\(directory)/init")
            for each in [container.pid, pid] { try Files.poke("\(directory)/init/cgroup.procs", String(each)) }
            try Files.poke("\(directory)/cgroup.subtree_control", "+pids")
            process.arguments = ["sh", "-c", "cat /proc/self/cgroup > /out/p"]
            let second = try container.exec(process, Container.ExecOptions())
            #expect(ProcessIdentity.find(second).map { $0.waitForEnd(milliseconds: 10_000) } ?? true)
            #expect(try bundle.output("p") == "0::/\(bundle.id)/init")
            try container.kill(SIGKILL, all: true)
            #expect(identity.waitForEnd(milliseconds: 10_000))
        }
    }

    @Test func `a session's end leaves no process and no cgroup`() throws {
        try running { _, container, directory in
            var process = try container.process()
            process.arguments = [
                "sh", "-c", "cat /proc/self/cgroup; sleep 1001 & (setsid sleep 1002 &); exec sleep 1003",
            ]
            let session = try container.exec(process, Container.SessionOptions())
            let collected = try session.collect(limit: 1000, deadline: .now + .seconds(2))
            #expect(collected.code == nil)
            #expect(
                String(decoding: collected.stdout, as: UTF8.self).hasPrefix(
                    "0::\(directory.dropFirst(14))/fender-exec-"))
            #expect(try container.processes() == [container.pid])
            #expect(CgroupDirectory.children(of: directory).isEmpty)
        }
    }

    @Test(arguments: ["ro", "rw"])
    func `a container sees its cgroup as the root, and writes to it if that is wanted`(option: String) throws {
        let kinds = ["pid", "mount", "uts", "ipc", "cgroup"].map { #"{"type":"\#($0)"}"# }.joined(separator: ",")
        let bundle = try Bundle(
            """
            { cat /proc/self/cgroup; cat /sys/fs/cgroup/pids.max; busybox mkdir /sys/fs/cgroup/x 2>/dev/null && echo rw
            busybox stat -f -c %t /sys/fs/cgroup; } > /out/o
            """,
            linux: #","namespaces":[\#(kinds)],"resources":{"pids":{"limit":55}}"#,
            more: #"""
                ,"mounts":[{"destination":"/proc","type":"proc","source":"proc"},
                {"destination":"/out","type":"bind","source":"OUT","options":["bind"]},
                {"destination":"/sys/fs/cgroup","type":"cgroup","source":"cgroup","options":["nosuid","\#(option)"]}]
                """#)
        try bundle.run()
        #expect(try bundle.output() == "0::/\n55\n\(option == "rw" ? "rw\n" : "")63677270")
        #expect(try bundle.remains().isEmpty)
    }

    @Test(arguments: ["ro", "rw"])
    func `root of a user namespace manages its cgroup where it may write to it`(option: String) throws {
        let kinds = ["user", "pid", "mount", "uts", "ipc", "cgroup"].map { #"{"type":"\#($0)"}"# }
        let maps = #"[{"containerID":0,"hostID":100000,"size":65536}]"#
        let script = """
            busybox mkdir /sys/fs/cgroup/x && echo made; stat -c %u /sys/fs/cgroup/cgroup.procs; stat -c %u /sys/fs/cgroup/pids.max
            echo $$ > /sys/fs/cgroup/x/cgroup.procs && cat /proc/self/cgroup
            """
        let bundle = try Bundle(
            script,
            linux: #","uidMappings":\#(maps),"gidMappings":\#(maps),"namespaces":[\#(kinds.joined(separator: ","))]"#,
            more: #"""
                ,"mounts":[{"destination":"/proc","type":"proc","source":"proc"},
                {"destination":"/dev","type":"tmpfs","source":"tmpfs"},
                {"destination":"/sys/fs/cgroup","type":"cgroup","source":"cgroup","options":["nosuid","\#(option)"]}]
                """#)
        // Root of the user namespace makes none in what is not its own.
        for name in ["proc", "dev", "sys/fs/cgroup"] {
            try Files.makeDirectories(bundle.scratch("bundle/rootfs/\(name)"))
        }
        try system("chmod") { chmod(bundle.scratch.path, 0o755) }
        let (container, _) = try bundle.superviseToEnd()
        defer { _ = try? container.delete(force: true) }
        let lines = try bundle.log().filter { $0.hasPrefix("stdout") }
        if option == "rw" {
            #expect(lines == ["stdout F made", "stdout F 0", "stdout F 65534", "stdout F 0::/x"])
        } else {
            #expect(lines == ["stdout F 65534", "stdout F 65534"])
        }
        _ = try container.delete(force: true)
        #expect(try bundle.remains().isEmpty)
    }
}
