import Glibc
import Linux
import OCI
import Security
import TestScratch
import Testing

@testable import Executor

/// What asks for capabilities that many a machine lacks; `make test-uml` makes one that has all.
@Suite(.enabled(if: Machine.hasAllCapabilities), .serialized) struct PrivilegeTests {
    private static let all = (0...40).map { "\"\(Capabilities.names[$0])\"" }.joined(separator: ",")

    @Test(arguments: [
        (#","oomScoreAdj":-500"#, "cat /proc/self/oom_score_adj", "-500"),
        (
            #","rlimits":[{"type":"RLIMIT_NOFILE","soft":1048570,"hard":1048576}]"#, "ulimit -n; ulimit -Hn",
            "1048570\n1048576"
        ),
        (
            #","rlimits":[{"type":"RLIMIT_NICE","soft":40,"hard":40},{"type":"RLIMIT_MEMLOCK","soft":18446744073709551615,"hard":18446744073709551615}]"#,
            "grep -E 'nice|locked' /proc/self/limits | busybox tr -s ' '",
            "Max locked memory unlimited unlimited bytes \nMax nice priority 40 40 "
        ),
        (
            #","capabilities":{"bounding":[ALL],"permitted":[ALL],"effective":[ALL],"inheritable":[ALL],"ambient":[ALL]}"#,
            "grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status | busybox cut -f2 | busybox uniq", "000001ffffffffff"
        ),
        // Fields 19, 40 and 41 are nice, real-time priority and policy (proc(5)).
        (
            #","scheduler":{"policy":"SCHED_BATCH","nice":-5}"#,
            "busybox cut -d' ' -f19,40,41 /proc/self/stat", "-5 0 3"
        ),
        (
            #","scheduler":{"policy":"SCHED_DEADLINE","runtime":10000000,"deadline":50000000,"period":50000000,"flags":["SCHED_FLAG_RESET_ON_FORK"]}"#,
            "exec busybox cut -d' ' -f41 /proc/self/stat", "6"
        ),
        (#","ioPriority":{"class":"IOPRIO_CLASS_RT","priority":3}"#, "busybox ionice -p $$", "realtime: prio 3"),
        (#","ioPriority":{"class":"IOPRIO_CLASS_IDLE"}"#, "busybox ionice -p $$", "idle"),
        (
            #","user":{"uid":1000,"gid":1000},"capabilities":{"bounding":["CAP_NET_RAW"],"permitted":["CAP_NET_RAW"],"effective":["CAP_NET_RAW"],"inheritable":["CAP_NET_RAW"],"ambient":["CAP_NET_RAW"]}"#,
            "grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status | busybox cut -f2 | busybox uniq; id -u",
            "0000000000002000\n1000"
        ),
    ])
    func `what others are refused is granted`(process: String, script: String, output: String) throws {
        let bundle = try Bundle(script, process: process.replacing("ALL", with: Self.all))
        let (container, _) = try bundle.superviseToEnd()
        defer { _ = try? container.delete(force: true) }
        let text = try bundle.log().map { $0.replacing("stdout F ", with: "") }.joined(separator: "\n")
        #expect(text == output)
    }

    @Test func `an exec has what its process asks for`() throws {
        let bundle = try Bundle("exec sleep 1000", process: #","capabilities":{"bounding":[\#(Self.all)]}"#)
        let container = try bundle.supervise()
        defer { _ = try? container.delete(force: true) }
        _ = try container.start()
        let process = try OCI.Process(
            parsing: Array(
                #"""
                {"cwd":"/","env":["PATH=/bin"],"oomScoreAdj":-7,"ioPriority":{"class":"IOPRIO_CLASS_BE","priority":6},
                "rlimits":[{"type":"RLIMIT_NOFILE","soft":300000,"hard":300000}],
                "args":["sh","-c","cat /proc/self/oom_score_adj; busybox ionice -p $$; ulimit -n"]}
                """#.utf8))
        let collected = try container.exec(process, Container.SessionOptions()).collect(limit: 1000)
        #expect(String(decoding: collected.stdout, as: UTF8.self) == "-7\nbest-effort: prio 6\n300000\n")
    }
}
