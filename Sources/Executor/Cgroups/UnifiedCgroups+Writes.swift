internal import OCI

extension UnifiedCgroups {
    /// The writes of v2's names, from v1's as the specification has them (config-linux.md, "control groups").
    static func writes(_ resources: Resources) throws -> [CgroupWrite] {
        var writes = try memoryWrites(resources.memory) + cpuWrites(resources.cpu)
        func add(_ file: String, _ value: String, optional: Bool = false) {
            writes.append(CgroupWrite("", file, value, optional: optional))
        }
        if let pids = resources.pids, pids != 0 { add("pids.max", pids < 0 ? "max" : String(pids)) }
        writes += blockWrites(resources.blockIO)
        for (size, limit) in resources.hugepages {
            add("hugetlb.\(size).max", String(limit))
            add("hugetlb.\(size).rsvd.max", String(limit), optional: true)
        }
        for limit in resources.rdma { add("rdma.max", rdma(limit)) }
        for (key, value) in resources.unified { add(key, value) }
        return writes
    }

    private static func limit(_ value: Int64) -> String { value < 0 ? "max" : String(value) }

    private static func memoryWrites(_ memory: Resources.Memory) throws -> [CgroupWrite] {
        var writes: [CgroupWrite] = []
        if let swap = memory.swap, swap != 0 {
            // v1 counts memory and swap together, v2 swap alone.
            let alone: Int64
            if swap < 0 {
                alone = -1
            } else {
                guard let bytes = memory.limit, bytes > 0, swap >= bytes else {
                    throw SpecError("linux.resources.memory.swap", "must be at least the memory limit")
                }
                alone = swap - bytes
            }
            writes.append(CgroupWrite("", "memory.swap.max", limit(alone), optional: true))
        }
        if let bytes = memory.limit, bytes != 0 { writes.append(CgroupWrite("", "memory.max", limit(bytes))) }
        if let bytes = memory.reservation, bytes != 0 { writes.append(CgroupWrite("", "memory.low", limit(bytes))) }
        return writes
    }

    private static func cpuWrites(_ cpu: Resources.CPU) -> [CgroupWrite] {
        var writes: [CgroupWrite] = []
        if let shares = cpu.shares, shares != 0 { writes.append(CgroupWrite("", "cpu.weight", weight(shares: shares))) }
        let quota = cpu.quota.flatMap { $0 == 0 ? nil : $0 }
        let period = cpu.period.flatMap { $0 == 0 ? nil : $0 }
        if quota != nil || period != nil {
            writes.append(CgroupWrite("", "cpu.max", "\(limit(quota ?? -1)) \(period ?? 100_000)"))
        }
        if let burst = cpu.burst { writes.append(CgroupWrite("", "cpu.max.burst", burst)) }
        if let idle = cpu.idle, idle != 0 { writes.append(CgroupWrite("", "cpu.idle", idle)) }
        if let cpus = cpu.cpus, !cpus.isEmpty { writes.append(CgroupWrite("", "cpuset.cpus", cpus)) }
        if let mems = cpu.mems, !mems.isEmpty { writes.append(CgroupWrite("", "cpuset.mems", mems)) }
        return writes
    }

    /// 2...262144 to 1...10000, the line that Kubernetes and runc agreed on.
    static func weight(shares: UInt64) -> UInt64 {
        1 + (min(max(shares, 2), 262_144) - 2) * 9999 / 262_142
    }

    /// 10...1000 to 1...10000, as runc has it.
    static func weight(block weight: UInt16) -> UInt64 { 1 + (min(max(UInt64(weight), 10), 1000) - 10) * 9999 / 990 }

    private static func blockWrites(_ block: Resources.BlockIO) -> [CgroupWrite] {
        var writes: [CgroupWrite] = []
        // Which of the two is there depends on the scheduler that the kernel has.
        func add(_ weight: UInt16, device: String?) {
            let prefix = device.map { "\($0) " } ?? ""
            writes.append(CgroupWrite("", "io.bfq.weight", "\(prefix)\(weight)", optional: true))
            writes.append(CgroupWrite("", "io.weight", "\(prefix)\(Self.weight(block: weight))", optional: true))
        }
        if let weight = block.weight, weight != 0 { add(weight, device: nil) }
        for entry in block.weightDevices {
            if let weight = entry.weight { add(weight, device: entry.device) }
        }
        let names: [Resources.BlockIO.Throttle: String] = [
            .readBps: "rbps", .writeBps: "wbps", .readIOPS: "riops", .writeIOPS: "wiops",
        ]
        for (kind, device, rate) in block.throttles {
            writes.append(CgroupWrite("", "io.max", "\(device) \(names[kind] ?? "")=\(rate)"))
        }
        return writes
    }

    static func rdma(_ limit: (device: String, handles: UInt32?, objects: UInt32?)) -> String {
        var text = limit.device
        if let handles = limit.handles { text += " hca_handle=\(handles)" }
        if let objects = limit.objects { text += " hca_object=\(objects)" }
        return text
    }
}
