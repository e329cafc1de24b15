import Glibc
import Linux
import OCI
import TestScratch
import Testing

@testable import Executor

private let canRun = getuid() == 0 && Files.exists("/bin/busybox")

/// Containers on the kernel that is here.
@Suite(.enabled(if: canRun), .serialized) struct ContainerTests {
    @Test func `a container goes through its states and leaves nothing`() throws {
        let bundle = try Bundle("exec sleep 1000", more: #","annotations":{"a":"b"}"#)
        let container = try bundle.create()
        #expect(container.status() == .created)
        #expect(throws: ExecutorError.self) { try bundle.create() }
        #expect(try container.start().isEmpty)
        #expect(container.status() == .running)
        #expect { try container.start() } throws: { "\($0)" == "cannot start an already running container" }
        #expect(throws: ExecutorError.self) { try container.delete(force: false) }
        #expect(try container.processes() == [container.pid])
        try container.pause()
        #expect(container.status() == .paused)
        try container.resume()
        let state = container.describe()
        #expect(state["annotations"] == .object([JSON.Member("a", .string("b"))]))
        try container.kill(SIGKILL, all: false)
        let first = try #require(container.record.process)
        #expect(first.waitForEnd(milliseconds: 10_000))
        #expect(container.status() == .stopped)
        #expect { try container.kill(SIGTERM, all: false) } throws: { "\($0)" == "container not running" }
        _ = try container.delete(force: false)
        #expect(try bundle.remains().isEmpty)
    }

    @Test(arguments: [
        (#","user":{"uid":5,"gid":6,"additionalGids":[7,8]}"#, "", "id -u; id -g; id -G", "5\n6\n6 7 8"),
        (#","user":{"umask":63}"#, "", "umask", "0077"),
        (
            "", "", "exec grep -E 'Sig(Blk|Ign)' /proc/self/status",
            "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000"
        ),
        (#","rlimits":[{"type":"RLIMIT_NOFILE","soft":77,"hard":99}]"#, "", "ulimit -n; ulimit -Hn", "77\n99"),
        (#","noNewPrivileges":true"#, "", "grep NoNew /proc/self/status", "NoNewPrivs:\t1"),
        (#","oomScoreAdj":500"#, "", "cat /proc/self/oom_score_adj", "500"),
        ("", "", "readlink /dev/fd; readlink /dev/stdout", "/proc/self/fd\n/proc/self/fd/1"),
        // As root an exec gives all of the bounding set (capabilities(7)).
        (
            #","capabilities":{"bounding":["CAP_CHOWN","CAP_KILL"],"permitted":["CAP_KILL"],"effective":["CAP_KILL"]}"#,
            "",
            "grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status",
            "CapInh:\t0000000000000000\nCapPrm:\t0000000000000021\nCapEff:\t0000000000000021\n"
                + "CapBnd:\t0000000000000021\nCapAmb:\t0000000000000000"
        ),
        (
            "", #","maskedPaths":["/proc/kcore","/proc/fs"],"readonlyPaths":["/proc/sys"]"#,
            "cat /proc/kcore; ls /proc/fs; (: > /proc/sys/kernel/hostname) 2>/dev/null || echo ro", "ro"
        ),
        ("", #","sysctl":{"kernel.msgmax":"9999"}"#, "cat /proc/sys/kernel/msgmax", "9999"),
        ("", #","personality":{"domain":"LINUX32"}"#, "cat /proc/self/personality", "00000008"),
        (#","ioPriority":{"class":"IOPRIO_CLASS_IDLE"}"#, "", "ionice 2>/dev/null || echo idle", "idle"),
        (
            "",
            #","seccomp":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":28}]}"#,
            "mkdir /out/x 2>&1 || grep Seccomp: /proc/self/status",
            "mkdir: can't create directory '/out/x': No space left on device\nSeccomp:\t2"
        ),
        (
            #","noNewPrivileges":true,"user":{"uid":9}"#,
            #","seccomp":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["sethostname"],"action":"SCMP_ACT_ERRNO"}]}"#,
            "grep Seccomp: /proc/self/status; hostname x 2>/dev/null || echo no", "Seccomp:\t2\nno"
        ),
    ])
    func `the process is what the document says`(process: String, linux: String, script: String, output: String) throws
    {
        let bundle = try Bundle("{ \(script); } > /out/o", process: process, linux: linux)
        try Files.makeDirectories(bundle.scratch("out"))
        try system("chmod") { chmod(bundle.scratch("out"), 0o777) }
        try bundle.run()
        #expect(try bundle.output() == output)
        #expect(try bundle.remains().isEmpty)
    }

    @Test(arguments: [
        (#","linux":{}"#, "linux.namespaces: a new mount namespace is needed"),
        (
            #","mounts":[{"destination":"/x","type":"bind","source":"/nonexistent","options":["bind"]}]"#,
            "open mount source: /nonexistent: no such file or directory"
        ),
        (#","mounts":[{"destination":"/x","type":"nofs"}]"#, "mount: /x: no such device"),
        (#","hostname":"h","linux":{"namespaces":[{"type":"mount"}]}"#, "hostname: needs a uts namespace"),
        (
            #","process":{"cwd":"/","args":["none"],"env":["PATH=/bin"]}"#,
            "exec: \"none\": executable file not found in $PATH"
        ),
        (#","process":{"cwd":"/","args":["/none"]}"#, "exec: \"/none\": no such file or directory"),
        (#","process":{"cwd":"/bin/sh","args":["/bin/sh"]}"#, "enter working directory: /bin/sh: not a directory"),
        (#","hooks":{"createRuntime":[{"path":"/bin/false"}]}"#, "run hook: /bin/false: exit status 1"),
    ])
    func `a failed step is told and undone`(more: String, error: String) throws {
        let bundle = try Bundle("exit 0", more: more)
        #expect { try bundle.create() } throws: { "\($0)" == error }
        #expect(try bundle.remains().isEmpty)
        #expect(try !MountTable.read().contains { $0.point.hasPrefix(bundle.scratch.path) })
    }

    @Test func `hooks run in their order with the state on stdin`() throws {
        let scratch = try Scratch()
        func hook(_ name: String) -> String {
            #"[{"path":"/bin/sh","args":["sh","-c","echo \#(name) >> \#(scratch("log")); cat > \#(scratch(name))"]}]"#
        }
        let names = ["prestart", "createRuntime", "createContainer", "poststart", "poststop"]
        let hooks = names.map { #""\#($0)":\#(hook($0))"# }.joined(separator: ",")
        let bundle = try Bundle("exit 0", more: #","hooks":{\#(hooks)}"#)
        try bundle.run()
        #expect(try Files.text(scratch("log")) == names.joined(separator: "\n"))
        for (name, status) in [("prestart", "creating"), ("createContainer", "creating"), ("poststop", "stopped")] {
            let state = try JSON(parsing: try Files.read(scratch(name)))
            #expect(state["id"] == .string(bundle.id))
            #expect(state["status"] == .string(status))
            #expect((state["pid"] == .number("0")) == (name == "poststop"))
        }
    }

    @Test func `hooks take signals, whatever our thread does with them`() async throws {
        let scratch = try Scratch()
        let script = "grep -E 'Sig(Blk|Ign)' /proc/self/status > \(scratch("s"))"
        let bundle = try Bundle(
            "exit 0", more: #","hooks":{"createRuntime":[{"path":"/bin/sh","args":["sh","-c","\#(script)"]}]}"#)
        signal(SIGPIPE, SIG_IGN)
        try await DedicatedThread.run { try bundle.run() }
        let masks = try Files.text(scratch("s")).split(separator: "\n").map { UInt64($0.suffix(16), radix: 16) }
        // The C library leaves its own two ignored, 32 and 33.
        #expect(masks.map { ($0 ?? .max) & 0x7fff_ffff } == [0, 0])
    }

    @Test func `one of several starts goes through, and deletes amid all leave nothing`() async throws {
        for round in 0..<10 {
            let bundle = try Bundle("exec sleep 1000")
            let container = try bundle.create()
            let started = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<4 {
                    group.addTask { (try? await DedicatedThread.run { try container.start() }) != nil }
                }
                if round % 2 == 1 {
                    for _ in 0..<3 {
                        group.addTask {
                            _ = try? await DedicatedThread.run { try container.delete(force: true) }
                            return false
                        }
                        group.addTask {
                            _ = try? await DedicatedThread.run { try container.pause() }
                            return false
                        }
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(round % 2 == 1 ? started <= 1 : started == 1)
            _ = try? container.delete(force: true)
            #expect(try bundle.remains().isEmpty)
            #expect { try container.start() } throws: {
                "\($0)" == "container \"\(container.id)\" does not exist"
            }
        }
    }

    @Test func `exec joins the container, and a failure is told`() throws {
        let bundle = try Bundle("exec sleep 1000", more: #","hostname":"inside""#)
        let container = try bundle.create()
        defer { _ = try? container.delete(force: true) }
        _ = try container.start()
        var process = try container.process()
        process.arguments = [
            "sh", "-c", "{ hostname; id -u; grep -c . /proc/1/cmdline; ls /proc/self/fd; } > /out/o; echo > /out/done",
        ]
        process.uid = 0
        let pid = try container.exec(process, Container.ExecOptions())
        #expect(ProcessIdentity.find(pid).map { $0.waitForEnd(milliseconds: 10_000) } ?? true)
        // 0 to 2, and the directory that ls reads.
        #expect(try bundle.output() == "inside\n0\n1\n0\n1\n2\n3")
        process.arguments = ["none"]
        #expect { try container.exec(process, Container.ExecOptions()) } throws: {
            "\($0)" == "exec: \"none\": executable file not found in $PATH"
        }
    }
}
