import Cgroups
import TestScratch
import Testing

@testable import Statistics

/// A container's cgroups as plain files, in the layout and wording of a kernel.
struct FixtureCgroup {
    static let id = "6f1d0c2b9a"
    let scratch: Scratch
    let cgroup: Cgroup

    /// The reader's files of it.
    var files: CgroupFiles { CgroupFiles(cgroup, hugepageSizes: ["2MB"]) }

    func sample(_ depth: StatisticsDepth = .metrics) -> CgroupSample? { files.sample(FileReader(), depth) }

    /// cgroup v1 with the v2 hierarchy beside it, from Linux 6.18.
    static func legacy(_ changes: [String: String?] = [:]) throws -> FixtureCgroup {
        let controllers = ["cpu", "cpuacct", "memory", "pids", "blkio", "hugetlb"]
        let mounts =
            controllers.map { "1 0 0:1 / @/\($0) rw - cgroup cgroup rw,\($0)" } + [
                "1 0 0:1 / @/unified rw - cgroup2 cgroup2 rw"
            ]
        let lines = controllers.map { "3:\($0):/kubepods/podu/\(id)/moved" } + ["0::/kubepods/podu/\(id)"]
        return try FixtureCgroup(mounts, lines, legacyFiles, changes)
    }

    /// cgroup v2 as Docker's systemd driver lays it out, from Linux 6.1.
    static func unified(_ changes: [String: String?] = [:]) throws -> FixtureCgroup {
        try FixtureCgroup(
            ["1 0 0:1 / @/unified rw - cgroup2 cgroup2 rw"], ["0::/kubepods.slice/docker-\(id).scope"], unifiedFiles,
            changes)
    }

    private init(
        _ mounts: [String], _ lines: [String], _ files: [String: String], _ changes: [String: String?]
    ) throws {
        scratch = try Scratch()
        let root = scratch.path
        let found = try CgroupHierarchies(
            mountinfo: mounts.map { $0.replacing("@", with: root) }.joined(separator: "\n")
        ).cgroup(text: lines.joined(separator: "\n"))
        cgroup = try #require(found.named(Self.id))
        for (name, text) in files.merging(changes.mapValues { $0 ?? "absent" }, uniquingKeysWith: { $1 })
        where text != "absent" {
            let parts = name.split(separator: "/", maxSplits: 1).map(String.init)
            let directory = parts[0] == "unified" ? cgroup.unifiedDirectory : cgroup.directory(of: parts[0])
            let path = "\(try #require(directory))/\(parts[1])".dropFirst(root.count + 1)
            try scratch.directory(path.split(separator: "/").dropLast().joined(separator: "/"))
            try scratch.write(String(path), text)
        }
    }

    private static let legacyFiles = [
        "cpuacct/cpuacct.usage": "27932384000\n",
        "cpuacct/cpuacct.usage_user": "26800864000\n",
        "cpuacct/cpuacct.usage_sys": "1131520000\n",
        "cpuacct/cpuacct.stat": "user 2680\nsystem 113\n",
        "cpu/cpu.stat": "nr_periods 40\nnr_throttled 7\nthrottled_time 123456789\nnr_bursts 0\nburst_time 0\n",
        "cpu/cpu.shares": "512\n",
        "cpu/cpu.cfs_quota_us": "20000\n",
        "cpu/cpu.cfs_period_us": "100000\n",
        "memory/memory.usage_in_bytes": "52428800\n",
        "memory/memory.stat": """
        cache 1
        rss 2
        mapped_file 3
        inactive_file 4
        hierarchical_memory_limit 67108864
        hierarchical_memsw_limit 100663296
        total_cache 20971520
        total_rss 31457280
        total_mapped_file 4096
        total_swap 8192
        total_pgfault 1133
        total_pgmajfault 17
        total_inactive_file 10485760
        total_active_file 5

        """,
        "memory/memory.max_usage_in_bytes": "60000000\n",
        "memory/memory.kmem.usage_in_bytes": "700000\n",
        "memory/memory.failcnt": "9\n",
        "memory/memory.soft_limit_in_bytes": "9223372036854771712\n",
        "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
        "pids/pids.current": "5\n",
        "pids/pids.max": "100\n",
        "pids/cgroup.procs": "11\n12\n13\n",
        "blkio/blkio.throttle.io_service_bytes_recursive": """
        254:0 Read 4096
        254:0 Write 8192
        254:0 Sync 12288
        254:0 Async 0
        254:0 Discard 0
        254:0 Total 12288
        Total 12288

        """,
        "blkio/blkio.throttle.io_serviced_recursive": "254:0 Read 1\n254:0 Write 2\n254:0 Total 3\nTotal 3\n",
        "hugetlb/hugetlb.2MB.usage_in_bytes": "2097152\n",
        "hugetlb/hugetlb.2MB.max_usage_in_bytes": "4194304\n",
        "unified/cpu.pressure": """
        some avg10=1.50 avg60=0.25 avg300=0.05 total=121965
        full avg10=0.00 avg60=0.00 avg300=0.00 total=108526

        """,
        "unified/memory.pressure": "some avg10=0.00 avg60=0.00 avg300=0.00 total=7\n",
        "unified/io.pressure": "",
    ]

    private static let unifiedFiles = [
        "unified/cpu.stat": """
        usage_usec 27932384
        user_usec 26800864
        system_usec 1131520
        nr_periods 40
        nr_throttled 7
        throttled_usec 123456
        nr_bursts 0
        burst_usec 0

        """,
        "unified/cpu.weight": "20\n",
        "unified/cpu.max": "20000 100000\n",
        "unified/memory.current": "52428800\n",
        "unified/memory.stat": """
        anon 31457280
        file 20971520
        kernel_stack 16384
        pagetables 4096
        percpu 0
        slab 679520
        file_mapped 4096
        inactive_anon 0
        active_anon 1
        inactive_file 10485760
        active_file 5
        pgfault 1133
        pgmajfault 17

        """,
        "unified/memory.max": "67108864\n",
        "unified/memory.swap.current": "8192\n",
        "unified/memory.swap.max": "33554432\n",
        "unified/memory.peak": "60000000\n",
        "unified/memory.low": "0\n",
        "unified/memory.events": "low 0\nhigh 0\nmax 9\noom 2\noom_kill 2\noom_group_kill 0\n",
        "unified/pids.current": "5\n",
        "unified/pids.max": "100\n",
        "unified/cgroup.procs": "11\n12\n13\n",
        "unified/io.stat": """
        254:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0
        7:0 \n
        """,
        "unified/hugetlb.2MB.current": "2097152\n",
        "unified/cpu.pressure": """
        some avg10=1.50 avg60=0.25 avg300=0.05 total=121965
        full avg10=0.00 avg60=0.00 avg300=0.00 total=108526

        """,
        "unified/memory.pressure": "some avg10=0.00 avg60=0.00 avg300=0.00 total=7\n",
    ]
}
