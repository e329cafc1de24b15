import Cgroups
import Linux
import TestScratch
import Testing

/// A cgroup v2 directory made of plain files.
private struct PlainCgroup {
    let scratch: Scratch
    let cgroup: Cgroup

    init(_ files: [String: String] = [:]) throws {
        scratch = try Scratch()
        try scratch.directory("pod")
        for (name, text) in files { try scratch.write("pod/\(name)", text) }
        try scratch.write("outside", "kept")
        cgroup = try CgroupHierarchies(mountinfo: "1 0 0:1 / \(scratch.path) rw - cgroup2 cgroup2 rw")
            .cgroup(text: "0::/pod")
    }

    func text(_ name: String) throws -> String { try Files.text(scratch("pod/\(name)")) }
}

@Suite("Control files")
struct CgroupFilesTests {
    @Test("unified settings reach their files")
    func unified() throws {
        let plain = try PlainCgroup(["memory.high": "max", "io.max": ""])
        try plain.cgroup.apply(unified: ["memory.high": "1048576", "io.max": "8:0 rbps=1\n8:16 rbps=2"])
        #expect(try plain.text("memory.high") == "1048576")
        #expect(try plain.text("io.max") == "8:0 rbps=1\n8:16 rbps=2")
    }

    @Test(
        "nothing but a control file can be named",
        arguments: [
            "", ".", "..", "../outside", "/etc/passwd", "sub/memory.high", "memory", ".hidden", "memory..high",
            "cgroup.procs", "cgroup.subtree_control", "cgroup.kill", "memory.high\n", "memory.high\u{0}", "é.x",
            "memory.high ", String(repeating: "a.", count: 200),
        ])
    func hostileNames(name: String) throws {
        let plain = try PlainCgroup(["memory.high": "max", "cgroup.procs": "", "cgroup.kill": ""])
        #expect(throws: CgroupError.self) { try plain.cgroup.apply(unified: [name: "1", "memory.high": "2"]) }
        #expect(throws: CgroupError.self) { try Cgroup.validate(unified: [name: "1"]) }
        // Checked before anything was written.
        #expect(try plain.text("memory.high") == "max")
        #expect(try Files.text(plain.scratch("outside")) == "kept")
    }

    @Test("a file the kernel does not have, a link, and a bad value are refused")
    func refusedFiles() throws {
        let plain = try PlainCgroup(["memory.high": "max"])
        #expect(throws: CgroupError.self) { try plain.cgroup.apply(unified: ["memory.low": "1"]) }
        #expect(throws: CgroupError.self) { try plain.cgroup.apply(unified: ["memory.high": "1\u{0}"]) }
        #expect(!Files.exists(plain.scratch("pod/memory.low")))
    }

    @Test("without a v2 hierarchy unified settings are an error, none are none")
    func noUnified() throws {
        let cgroup = try CgroupHierarchies(mountinfo: "1 0 0:1 / /m rw - cgroup cgroup rw,memory")
            .cgroup(text: "4:memory:/x")
        #expect(throws: CgroupError.self) { try cgroup.apply(unified: ["memory.high": "1"]) }
        try cgroup.apply(unified: [:])
    }

    @Test("the root cgroup is never written")
    func root() throws {
        let scratch = try Scratch()
        try scratch.write("memory.high", "max")
        let cgroup = try CgroupHierarchies(mountinfo: "1 0 0:1 / \(scratch.path) rw - cgroup2 cgroup2 rw")
            .cgroup(text: "0::/")
        #expect(throws: CgroupError.self) { try cgroup.apply(unified: ["memory.high": "1"]) }
        #expect(throws: CgroupError.self) { try cgroup.kill() }
        #expect(throws: CgroupError.self) { try cgroup.processes() }
        #expect(try Files.text(scratch("memory.high")) == "max")
    }

    @Test("huge page limits are set with their reservations, and those without a controller are answered")
    func hugepages() throws {
        let plain = try PlainCgroup(["hugetlb.2MB.max": "max", "hugetlb.2MB.rsvd.max": "max", "hugetlb.1GB.max": ""])
        let limits = [
            HugepageLimit(pageSize: "2Mi", limit: 4_194_304), HugepageLimit(pageSize: "1GB", limit: 0),
            HugepageLimit(pageSize: "64KB", limit: 5),
        ]
        #expect(try plain.cgroup.set(hugepages: limits) == [limits[2]])
        #expect(try plain.text("hugetlb.2MB.max") == "4194304")
        #expect(try plain.text("hugetlb.2MB.rsvd.max") == "4194304")
        #expect(try plain.text("hugetlb.1GB.max") == "0")
        #expect(throws: CgroupError.self) {
            try plain.cgroup.set(hugepages: [limits[0], HugepageLimit(pageSize: "../x", limit: 1)])
        }
    }

    @Test("v2 limits read back as they are")
    func limits() throws {
        let plain = try PlainCgroup([
            "cpu.weight": "39\n", "cpu.max": "50000 100000\n", "memory.max": "104857600\n", "memory.swap.max": "0\n",
            "cpuset.cpus": "0-1\n", "cpuset.mems": "\n", "pids.max": "max\n",
        ])
        let limits = try plain.cgroup.limits()
        #expect(CgroupLimits.weight(shares: try #require(limits.cpuShares)) == 39)
        #expect(limits.cpuQuota == 50_000)
        #expect(limits.cpuPeriod == 100_000)
        #expect(limits.memory == 104_857_600)
        #expect(limits.memoryAndSwap == 104_857_600)
        #expect(limits.cpusetCpus == "0-1")
        #expect(limits.cpusetMems == nil)
        #expect(limits.pids == nil)
    }

    @Test("v2 limits are written in v2's terms")
    func applied() throws {
        let plain = try PlainCgroup([
            "cpu.weight": "", "cpu.max": "max 100000", "memory.max": "max", "memory.swap.max": "max",
            "cpuset.cpus": "", "cpuset.mems": "", "pids.max": "",
        ])
        var limits = CgroupLimits()
        limits.cpuShares = 1_024
        limits.cpuQuota = 20_000
        limits.memory = 1 << 20
        limits.memoryAndSwap = 3 << 20
        limits.cpusetCpus = "0"
        limits.pids = 12
        try plain.cgroup.apply(limits)
        #expect(try plain.text("cpu.weight") == "39")
        #expect(try plain.text("cpu.max") == "20000 100000")
        #expect(try plain.text("memory.max") == "1048576")
        #expect(try plain.text("memory.swap.max") == "2097152")
        #expect(try plain.text("cpuset.cpus") == "0")
        #expect(try plain.text("pids.max") == "12")
        limits.memoryAndSwap = 1
        #expect(throws: CgroupError.self) { try plain.cgroup.apply(limits) }
    }

    @Test("shares and weights go into each other")
    func weights() {
        let strays = (1...10_000).filter { CgroupLimits.weight(shares: CgroupLimits.shares(weight: $0)) != $0 }
        #expect(strays == [])
    }

    @Test(
        "OCI runtimes' weights",
        arguments: [(0, 1), (2, 1), (1_024, 39), (262_144, 10_000), (.max, 10_000)] as [(UInt64, UInt64)])
    func knownWeights(shares: UInt64, weight: UInt64) {
        #expect(CgroupLimits.weight(shares: shares) == weight)
    }

    @Test("unknown controllers and files read as nothing")
    func absent() throws {
        let plain = try PlainCgroup()
        #expect(try plain.cgroup.read("memory.max", of: "memory") == nil)
        #expect(try plain.cgroup.limits() == CgroupLimits())
        #expect(throws: CgroupError.self) { try plain.cgroup.read("../outside", of: "memory") }
    }
}
