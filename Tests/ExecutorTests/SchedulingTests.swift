import Glibc
import Linux
import OCI
import Testing

@testable import Executor

/// Where and when processes run.
@Suite(.enabled(if: Machine.canRun), .serialized) struct SchedulingTests {
    private static let processors = sysconf(CInt(_SC_NPROCESSORS_ONLN))

    @Test(arguments: ["0", "\(processors - 1)", "0-\(processors - 1)"])
    func `an exec runs where it is told`(list: String) throws {
        let bundle = try Bundle("exec sleep 1000")
        let container = try bundle.supervise()
        defer { _ = try? container.delete(force: true) }
        _ = try container.start()
        var process = try container.process()
        process.arguments = ["sh", "-c", "grep Cpus_allowed_list /proc/self/status | busybox cut -f2"]
        process.initialAffinity = "0"
        process.finalAffinity = list
        let collected = try container.exec(process, Container.SessionOptions()).collect(limit: 1000)
        let shown = list == "0-0" ? "0" : list
        #expect(String(decoding: collected.stdout, as: UTF8.self) == "\(shown)\n")
    }

    @Test(arguments: ["x", "1-0", "", "0,", "0-1-2", "99999"])
    func `what is no list is refused`(list: String) throws {
        let bundle = try Bundle("exec sleep 1000")
        let container = try bundle.create()
        defer { _ = try? container.delete(force: true) }
        var process = try container.process()
        process.arguments = ["true"]
        process.finalAffinity = "0,\(list)"
        #expect { try container.exec(process, Container.ExecOptions()) } throws: {
            "\($0)" == "process.execCPUAffinity: 0,\(list) is no list of CPUs"
        }
    }

    /// On v2 a new cgroup may have no real time.
    @Test(
        .enabled(if: !Machine.isUnified),
        arguments: [
            (#""policy":"SCHED_FIFO","priority":7"#, "7 1"),
            (#""policy":"SCHED_RR","priority":3,"flags":["SCHED_FLAG_RESET_ON_FORK"]"#, "3 2"),
        ])
    func `real-time policies are granted`(scheduler: String, output: String) throws {
        let isShared = Files.exists("/sys/fs/cgroup/cpu/cpu.rt_runtime_us")
        let share = #","resources":{"cpu":{"realtimePeriod":1000000,"realtimeRuntime":10000}}"#
        let bundle = try Bundle(
            "exec busybox cut -d' ' -f40,41 /proc/self/stat > /out/o", process: #","scheduler":{\#(scheduler)}"#,
            linux: isShared ? share : "")
        try bundle.run()
        #expect(try bundle.output() == output)
    }
}
