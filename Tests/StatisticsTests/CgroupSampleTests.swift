import Cgroups
import TestScratch
import Testing

@testable import Statistics

@Suite("Cgroup files")
struct CgroupSampleTests {
    /// Both versions' files tell of the same container.
    static let fixtures: [@Sendable () throws -> FixtureCgroup] = [
        { try .legacy() }, { try .unified() },
    ]

    @Test("CPU time", arguments: 0..<2)
    func cpu(version: Int) throws {
        let cpu = try #require(try Self.fixtures[version]().sample()?.cpu)
        #expect(cpu.usage == 27_932_384_000)
        #expect(cpu.user == 26_800_864_000)
        #expect(cpu.system == 1_131_520_000)
        #expect(cpu.periods == 40)
        #expect(cpu.throttledPeriods == 7)
        // v2 counts in microseconds.
        #expect(cpu.throttledTime == (version == 0 ? 123_456_789 : 123_456_000))
    }

    @Test("memory, the kubelet's working set and what is left", arguments: 0..<2)
    func memory(version: Int) throws {
        let memory = try #require(try Self.fixtures[version]().sample()?.memory)
        #expect(memory.usage == 52_428_800)
        #expect(memory.workingSet == 52_428_800 - 10_485_760)
        #expect(memory.rss == 31_457_280)
        #expect(memory.cache == 20_971_520)
        #expect(memory.mappedFile == 4096)
        #expect(memory.pageFaults == 1133)
        #expect(memory.majorPageFaults == 17)
        #expect(memory.limit == 67_108_864)
        #expect(memory.available == 67_108_864 - 41_943_040)
        #expect(memory.swap == 8192)
        #expect(memory.swapLimit == 33_554_432)
    }

    @Test("details of metrics", arguments: 0..<2)
    func details(version: Int) throws {
        let details = try #require(try Self.fixtures[version]().sample()?.details)
        #expect(details.peakMemory == 60_000_000)
        #expect(details.kernelMemory == 700_000)
        #expect(details.memoryFailures == 9)
        #expect(details.oomKills == 2)
        #expect(details.memoryReservation == nil)
        #expect(details.cpuShares == (version == 0 ? 512 : CgroupLimits.shares(weight: 20)))
        #expect(details.cpuQuota == 20_000)
        #expect(details.cpuPeriod == 100_000)
        #expect(details.tasks == 5)
        #expect(details.taskLimit == 100)
        let disk = try #require(details.devices.first)
        #expect([disk.readBytes, disk.writtenBytes, disk.reads, disk.writes] == [4096, 8192, 1, 2])
        #expect(disk.major == 254 && disk.minor == 0)
        #expect(details.hugepages.first?.usage == 2_097_152)
        #expect(details.hugepages.first?.peak == (version == 0 ? 4_194_304 : 0))
    }

    @Test("pressure, where the kernel counts it", arguments: 0..<2)
    func pressure(version: Int) throws {
        let pressure = try #require(try Self.fixtures[version]().sample()?.pressure)
        #expect(pressure.cpu?.some.total == 121_965)
        #expect(pressure.cpu?.some.average10 == 1.5)
        #expect(pressure.cpu?.some.average60 == 0.25)
        #expect(pressure.cpu?.some.average300 == 0.05)
        #expect(pressure.cpu?.full.total == 108_526)
        #expect(pressure.memory?.some.total == 7)
        #expect((pressure.io == nil) == (version == 1))
    }

    @Test("the processes directly in it are counted", arguments: 0..<2)
    func processes(version: Int) throws {
        let fixture = try Self.fixtures[version]()
        #expect(fixture.files.processCount(FileReader()) == 3)
    }

    @Test("a container is found where it was made, whatever it moved itself to")
    func named() throws {
        let cgroup = try FixtureCgroup.legacy().cgroup
        #expect(cgroup.path == "/kubepods/podu/\(FixtureCgroup.id)")
        #expect(cgroup.parent?.name == "podu")
        let hierarchies = CgroupHierarchies(mountinfo: "1 0 0:1 / /m rw - cgroup2 cgroup2 rw")
        #expect(try hierarchies.cgroup(text: "0::/user.slice/other").named(FixtureCgroup.id) == nil)
    }

    @Test("no limits are none, and not numbers near the largest")
    func unlimited() throws {
        let stat = "hierarchical_memory_limit 9223372036854771712\nhierarchical_memsw_limit 9223372036854771712\n"
        let legacy = try FixtureCgroup.legacy([
            "memory/memory.stat": stat, "cpu/cpu.cfs_quota_us": "-1\n", "pids/pids.max": "max\n",
        ]).sample()
        let unified = try FixtureCgroup.unified([
            "unified/memory.max": "max\n", "unified/memory.swap.max": "max\n", "unified/cpu.max": "max 100000\n",
            "unified/pids.max": "max\n",
        ]).sample()
        for sample in [legacy, unified] {
            #expect(sample?.memory?.limit == nil)
            #expect(sample?.memory?.available == nil)
            #expect(sample?.memory?.swapLimit == nil)
            #expect(sample?.details?.cpuQuota == nil)
            #expect(sample?.details?.cpuPeriod == 100_000)
            #expect(sample?.details?.taskLimit == nil)
        }
    }

    @Test(
        "kernels that lack a file",
        arguments: [
            "memory/memory.kmem.usage_in_bytes", "memory/memory.oom_control",
            "blkio/blkio.throttle.io_serviced_recursive",
            "cpu/cpu.stat", "unified/cpu.pressure", "hugetlb/hugetlb.2MB.usage_in_bytes", "pids/pids.max",
        ])
    func missing(file: String) throws {
        let sample = try #require(try FixtureCgroup.legacy([file: nil]).sample())
        #expect(sample.cpu?.usage == 27_932_384_000)
        #expect(sample.memory?.usage == 52_428_800)
    }

    @Test("before Linux 4.20 the modes are told in ticks")
    func ticks() throws {
        let cpu = try #require(try FixtureCgroup.legacy(["cpuacct/cpuacct.usage_user": nil]).sample()?.cpu)
        #expect(cpu.user == 26_800_000_000)
        #expect(cpu.system == 1_130_000_000)
    }

    @Test("a cgroup that is gone has no sample")
    func gone() throws {
        #expect(
            try FixtureCgroup.legacy(["cpuacct/cpuacct.usage": nil, "memory/memory.usage_in_bytes": nil]).sample()
                == nil)
    }

    @Test(
        "text that no kernel wrote does no harm",
        arguments: [
            "", "\n\n\n", "total_rss", "total_rss \n", "total_rss x\n", "total_rss 99999999999999999999999999\n",
            "total_rss -1\n", "\u{0}\u{0}\u{0}", "254:0 Read", "99999999999999999999:1 Read 5\n", ":::\n",
            "254: Read 1\n",
            "some avg10=", "some avg10=x total=\n", "full total=99999999999999999999999\n", "avg10=avg10=avg10=\n",
            String(repeating: "7 ", count: 500), "254:0 \u{0}=\u{1}1\n",
        ])
    func hostile(text: String) throws {
        let legacy = try FixtureCgroup.legacy([
            "memory/memory.stat": text, "cpu/cpu.stat": text, "unified/cpu.pressure": text,
            "blkio/blkio.throttle.io_service_bytes_recursive": text, "pids/pids.max": text, "cpu/cpu.shares": text,
        ])
        #expect(legacy.sample()?.cpu?.usage == 27_932_384_000)
        let unified = try FixtureCgroup.unified([
            "unified/memory.stat": text, "unified/io.stat": text, "unified/cpu.max": text, "unified/memory.max": text,
        ])
        #expect(unified.sample()?.cpu?.usage == 27_932_384_000)
    }

    @Test("a list of devices does not grow without end")
    func manyDevices() throws {
        let text = (0..<1100).map { "9:\($0) Read 1\n" }.joined()
        let fixture = try FixtureCgroup.legacy(["blkio/blkio.throttle.io_service_bytes_recursive": text])
        #expect(fixture.sample()?.details?.devices.count == 1024)
    }

    @Test("a file longer than any honest one is absent")
    func endless() throws {
        let text = String(repeating: "total_rss 1\n", count: 30_000)
        let fixture = try FixtureCgroup.legacy(["memory/memory.stat": text])
        #expect(fixture.sample()?.memory == nil)
        #expect(fixture.sample()?.cpu != nil)
    }
}
