import CExecutor
import Glibc
import Linux
import OCI
import TestScratch
import Testing

@testable import Executor

@Suite struct CgroupTests {
    @Test func `v2 gets v1's values in its own terms`() throws {
        let resources = try Resources(
            parsing: Array(
                """
                {"memory":{"limit":100,"swap":150,"reservation":50},"cpu":{"shares":1024,"quota":5000,"period":10000,
                "cpus":"0-1"},"pids":{"limit":-1},"blockIO":{"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":9}]},
                "hugepageLimits":[{"pageSize":"2MB","limit":4}],"unified":{"memory.high":"90"}}
                """.utf8))
        let writes = try UnifiedCgroups.writes(resources).map { "\($0.file)=\($0.value)" }
        #expect(
            writes == [
                "memory.swap.max=50", "memory.max=100", "memory.low=50", "cpu.weight=39", "cpu.max=5000 10000",
                "cpuset.cpus=0-1", "pids.max=max", "io.max=8:0 rbps=9", "hugetlb.2MB.max=4", "hugetlb.2MB.rsvd.max=4",
                "memory.high=90",
            ])
    }

    @Test(arguments: [(0, 1), (2, 1), (1024, 39), (262_144, 10000), (UInt64.max, 10000)] as [(UInt64, UInt64)])
    func `shares become weights`(shares: UInt64, weight: UInt64) {
        #expect(UnifiedCgroups.weight(shares: shares) == weight)
    }

    @Test func `v1 hierarchies are found with their controllers, and paths never leave them`() {
        let mounts = MountTable.parse(
            """
            30 20 0:26 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct
            31 20 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
            32 20 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
            """)
        let cgroups = LegacyCgroups(mounts: mounts, path: "/../a/../../b", own: "")
        #expect(cgroups.directories == ["/sys/fs/cgroup/cpu,cpuacct/a/b", "/sys/fs/cgroup/systemd/a/b"])
        let relative = LegacyCgroups(mounts: mounts, path: "c", own: "3:cpu,cpuacct:/x\n1:name=systemd:/\n")
        #expect(relative.directories == ["/sys/fs/cgroup/cpu,cpuacct/x/c", "/sys/fs/cgroup/systemd/c"])
        #expect(cgroups.links.map { $0.link } == ["cpu", "cpuacct"])
    }

    /// The program in the kernel, on a v2 cgroup; the hybrid layout has them too.
    @Test(.enabled(if: unifiedPoint != nil && getuid() == 0))
    func `a device program lets through what the rules say`() throws {
        let directory = "\(unifiedPoint ?? "")/fender-test-\(getpid())"
        try Files.makeDirectories(directory)
        defer { try? Files.removeDirectory(directory) }
        let cgroups = UnifiedCgroups(point: unifiedPoint ?? "", directory: directory)
        try cgroups.setDevices([
            Resources.DeviceRule(allow: false, type: "a", major: nil, minor: nil, access: "rwm"),
            Resources.DeviceRule(allow: true, type: "c", major: 10, minor: 237, access: "r"),
        ])
        // zero is always allowed; 10:237 for reading only; 1:11 (kmsg) not at all.
        let script = """
            echo $$ > \(directory)/cgroup.procs || exit 1
            d=$(mktemp -d); trap 'rm -rf $d' EXIT
            mknod $d/zero c 1 5 && mknod $d/loop c 10 237 && mknod $d/kmsg c 1 11 || exit 2
            (: < $d/zero) || exit 3
            (: < $d/loop) || exit 4
            (: > $d/loop) 2>/dev/null && exit 5
            (: < $d/kmsg) 2>/dev/null && exit 6
            exit 0
            """
        #expect(try shell(script) == 0)
        // Replaced, not added: what was allowed is not any more.
        try cgroups.setDevices([])
        #expect(try shell(script) == 4)
    }

    private func shell(_ script: String) throws -> Int32 {
        let pid = try Spawn.run(
            "/bin/sh", ["sh", "-c", script], environment: ["PATH=/usr/bin:/bin"], inherited: [])
        var status: CInt = 0
        while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
        return status >> 8 & 0xff
    }
}

private let unifiedPoint = (try? MountTable.read())?.first { $0.type == "cgroup2" }?.point
