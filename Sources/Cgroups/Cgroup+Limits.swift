extension Cgroup {
    /// The limits in force, read from the control files.
    public func limits() throws -> CgroupLimits {
        var limits = CgroupLimits()
        try readCPU(into: &limits)
        try readMemory(into: &limits)
        limits.cpusetCpus = try read("cpuset.cpus", of: "cpuset").flatMap { $0.isEmpty ? nil : $0 }
        limits.cpusetMems = try read("cpuset.mems", of: "cpuset").flatMap { $0.isEmpty ? nil : $0 }
        limits.pids = try read("pids.max", of: "pids").flatMap { UInt64($0) }
        limits.hugepages = try hugepages()
        return limits
    }

    /// Sets those limits that are not nil. Throws ``CgroupError`` when a controller is absent or the kernel
    /// refuses; what was written before stays.
    public func apply(_ limits: CgroupLimits) throws {
        if let cpus = limits.cpusetCpus { try write(cpus, to: "cpuset.cpus", of: "cpuset") }
        if let mems = limits.cpusetMems { try write(mems, to: "cpuset.mems", of: "cpuset") }
        try writeCPU(limits)
        try writeMemory(limits)
        if let pids = limits.pids { try write("\(pids)", to: "pids.max", of: "pids") }
        let left = try set(hugepages: limits.hugepages.map { HugepageLimit(pageSize: $0.key, limit: $0.value) })
        if let first = left.first {
            throw CgroupError("set hugepage limit \(first.pageSize): the controller hugetlb is absent")
        }
    }

    private func readCPU(into limits: inout CgroupLimits) throws {
        if isUnified("cpu") {
            limits.cpuShares = try read("cpu.weight", of: "cpu").flatMap { UInt64($0) }.map(CgroupLimits.shares)
            let fields = try read("cpu.max", of: "cpu")?.split(separator: " ") ?? []
            limits.cpuQuota = fields.first.flatMap { Int64($0) }
            limits.cpuPeriod = fields.dropFirst().first.flatMap { UInt64($0) }
        } else {
            limits.cpuShares = try read("cpu.shares", of: "cpu").flatMap { UInt64($0) }
            limits.cpuQuota = try read("cpu.cfs_quota_us", of: "cpu").flatMap { Int64($0) }.flatMap {
                $0 > 0 ? $0 : nil
            }
            limits.cpuPeriod = try read("cpu.cfs_period_us", of: "cpu").flatMap { UInt64($0) }
        }
    }

    private func readMemory(into limits: inout CgroupLimits) throws {
        if isUnified("memory") {
            limits.memory = try read("memory.max", of: "memory").flatMap(CgroupLimits.bytes)
            guard let memory = limits.memory,
                let swap = try read("memory.swap.max", of: "memory").flatMap(CgroupLimits.bytes)
            else { return }
            limits.memoryAndSwap = memory + swap
        } else {
            limits.memory = try read("memory.limit_in_bytes", of: "memory").flatMap(CgroupLimits.bytes)
            limits.memoryAndSwap = try read("memory.memsw.limit_in_bytes", of: "memory").flatMap(CgroupLimits.bytes)
        }
    }

    private func writeCPU(_ limits: CgroupLimits) throws {
        if isUnified("cpu") {
            if let shares = limits.cpuShares {
                try write("\(CgroupLimits.weight(shares: shares))", to: "cpu.weight", of: "cpu")
            }
            if limits.cpuQuota != nil || limits.cpuPeriod != nil {
                let present = try read("cpu.max", of: "cpu")?.split(separator: " ").map(String.init) ?? []
                let quota = limits.cpuQuota.map { $0 > 0 ? "\($0)" : "max" } ?? present.first ?? "max"
                let period = limits.cpuPeriod.map { "\($0)" } ?? present.last ?? "100000"
                try write("\(quota) \(period)", to: "cpu.max", of: "cpu")
            }
        } else {
            if let shares = limits.cpuShares { try write("\(shares)", to: "cpu.shares", of: "cpu") }
            if let period = limits.cpuPeriod { try write("\(period)", to: "cpu.cfs_period_us", of: "cpu") }
            if let quota = limits.cpuQuota { try write("\(quota)", to: "cpu.cfs_quota_us", of: "cpu") }
        }
    }

    private func writeMemory(_ limits: CgroupLimits) throws {
        guard !isUnified("memory") else { return try writeUnifiedMemory(limits) }
        let memory = limits.memory.map { ("memory.limit_in_bytes", $0) }
        let swap = limits.memoryAndSwap.map { ("memory.memsw.limit_in_bytes", $0) }
        // The kernel keeps memory <= memory and swap at every step: the one that grows goes first.
        let present = try read("memory.memsw.limit_in_bytes", of: "memory").flatMap(CgroupLimits.bytes) ?? .max
        let isGrowing = limits.memory.map { $0 > present } ?? false
        for (file, bytes) in (isGrowing ? [swap, memory] : [memory, swap]).compactMap({ $0 }) {
            try write("\(bytes)", to: file, of: "memory")
        }
    }

    private func writeUnifiedMemory(_ limits: CgroupLimits) throws {
        if let both = limits.memoryAndSwap {
            let known = try limits.memory ?? read("memory.max", of: "memory").flatMap(CgroupLimits.bytes)
            guard let memory = known, both >= memory else {
                throw CgroupError("set swap limit: memory and swap together must be at least the memory limit")
            }
            try write("\(both - memory)", to: "memory.swap.max", of: "memory")
        }
        if let memory = limits.memory { try write("\(memory)", to: "memory.max", of: "memory") }
    }
}
