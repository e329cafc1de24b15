import Cgroups
import Glibc
import Linux
import TestScratch
import Testing

/// A cgroup of a test's own in every hierarchy of this machine, with one process in it.
private final class TestCgroup {
    let cgroup: Cgroup
    let child: Int32
    private let directories: [String]

    init(_ script: String = "exec sleep 1000") throws {
        let own = try CgroupHierarchies.read()
        let controllers = ["memory", "cpu", "pids", "cpuset", "freezer", "devices", "blkio", "cpuacct"]
        let text = try Files.text("/proc/self/cgroup")
        let name = "fender-test-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        // The test's own cgroups may be any; the new ones are at the top.
        let lines = text.split(separator: "\n").compactMap { line -> String? in
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            return fields.count == 3 ? "\(fields[0]):\(fields[1]):/\(name)" : nil
        }
        cgroup = try own.cgroup(text: lines.joined(separator: "\n"))
        let all =
            controllers.compactMap { [cgroup] in cgroup.directory(of: $0) }
            + [cgroup.unifiedDirectory].compactMap { $0 }
        directories = Array(Set(all))
        child = try Child.spawn(script)
        for directory in directories {
            try Files.makeDirectories(directory)
            if directory.contains("/cpuset/") {
                for file in ["cpuset.cpus", "cpuset.mems"] {
                    let parent = directory[..<(directory.lastIndex(of: "/") ?? directory.endIndex)]
                    try Files.poke("\(directory)/\(file)", try Files.text("\(parent)/\(file)"))
                }
            }
            try Files.poke("\(directory)/cgroup.procs", "\(child)")
        }
    }

    deinit {
        _ = try? ProcessTree.kill(child)
        Child.reap(child)
        for directory in directories { while rmdir(directory) != 0 && errno == EBUSY { sched_yield() } }
    }
}

private let isLegacy: Bool = {
    guard getuid() == 0, let own = try? CgroupHierarchies.read() else { return false }
    return own.layout != .unified
}()

@Suite("Cgroups of this kernel", .enabled(if: isLegacy, "needs root and cgroup v1"))
struct KernelCgroupTests {
    @Test("limits written are limits read")
    func limits() throws {
        let test = try TestCgroup()
        defer { withExtendedLifetime(test) {} }
        let found = try CgroupHierarchies.read().cgroup(of: test.child)
        #expect(found.directory(of: "memory") == test.cgroup.directory(of: "memory"))
        var limits = CgroupLimits()
        limits.cpuShares = 512
        limits.cpuPeriod = 50_000
        limits.cpuQuota = 25_000
        limits.memory = 64 << 20
        limits.memoryAndSwap = 96 << 20
        limits.cpusetCpus = "0"
        limits.pids = 100
        try found.apply(limits)
        var read = try found.limits()
        read.cpusetMems = nil
        read.hugepages = [:]
        #expect(read == limits)
        // Beyond the old sum: the sum must grow first; and back: it must shrink last.
        for memory in [256 << 20, 16 << 20] as [UInt64] {
            limits.memory = memory
            limits.memoryAndSwap = memory
            try found.apply(limits)
            #expect(try found.limits().memory == memory)
            #expect(try found.limits().memoryAndSwap == memory)
        }
    }

    @Test("a cgroup without limits reads as none")
    func noLimits() throws {
        let test = try TestCgroup()
        defer { withExtendedLifetime(test) {} }
        let limits = try test.cgroup.limits()
        #expect(limits.memory == nil)
        #expect(limits.memoryAndSwap == nil)
        #expect(limits.cpuQuota == nil)
        #expect(limits.cpuShares == 1_024)
        #expect(limits.pids == nil)
    }

    @Test("what the kernel refuses is an error that says so")
    func refused() throws {
        let test = try TestCgroup()
        defer { withExtendedLifetime(test) {} }
        #expect { try test.cgroup.write("nonsense", to: "memory.limit_in_bytes", of: "memory") } throws: {
            "\($0)".contains("memory.limit_in_bytes") && "\($0)".contains("Invalid argument")
        }
    }

    @Test("unified settings reach a hybrid machine's v2 files")
    func unified() throws {
        let test = try TestCgroup()
        defer { withExtendedLifetime(test) {} }
        guard test.cgroup.unifiedDirectory != nil else { return }
        try test.cgroup.apply(unified: ["cpu.pressure": "some 150000 2000000\n"])
        #expect(throws: CgroupError.self) { try test.cgroup.apply(unified: ["memory.high": "1048576"]) }
    }

    @Test("all processes are found and killed, also in cgroups below and while they multiply")
    func kill() throws {
        let test = try TestCgroup("i=0; while [ $i -lt 100 ]; do sleep 1000 & i=$((i+1)); done; wait")
        defer { withExtendedLifetime(test) {} }
        let below = try #require(test.cgroup.directory(of: "pids")) + "/below"
        try Files.makeDirectories(below)
        defer { while rmdir(below) != 0 && errno == EBUSY { sched_yield() } }
        let second = try Child.spawn("exec sleep 1000")
        try Files.poke(below + "/cgroup.procs", "\(second)")
        #expect(try test.cgroup.processes().contains(test.child))
        #expect(test.cgroup.contains(second))
        #expect(!test.cgroup.contains(getpid()))
        #expect(try test.cgroup.kill())
        #expect(Child.reap(second) == SIGKILL)
        #expect(Child.reap(test.child) == SIGKILL)
        #expect(try test.cgroup.processes() == [])
    }

    @Test("a cgroup that is gone has no processes")
    func gone() throws {
        let cgroup = try CgroupHierarchies.read().cgroup(text: "8:pids:/fender-test-gone-\(getpid())")
        #expect(try cgroup.processes() == [])
        #expect(try cgroup.kill())
    }
}
