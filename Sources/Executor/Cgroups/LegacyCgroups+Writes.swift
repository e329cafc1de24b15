internal import OCI

extension LegacyCgroups {
    /// All writes but those of memory's limits and of devices; 0 means "as it is", as with runc.
    static func writes(_ resources: Resources) -> [CgroupWrite] {
        var writes: [CgroupWrite] = []
        func add(_ controller: String, _ file: String, _ value: (some BinaryInteger)?) {
            if let value, value != 0 { writes.append(CgroupWrite(controller, "\(controller).\(file)", value)) }
        }
        let memory = resources.memory
        add("memory", "soft_limit_in_bytes", memory.reservation)
        add("memory", "kmem.tcp.limit_in_bytes", memory.kernelTCP)
        if memory.disableOOMKiller == true { writes.append(CgroupWrite("memory", "memory.oom_control", 1)) }
        if let swappiness = memory.swappiness, swappiness <= 100 {
            writes.append(CgroupWrite("memory", "memory.swappiness", swappiness))
        }
        writes += cpuWrites(resources.cpu)
        if let pids = resources.pids, pids != 0 {
            writes.append(CgroupWrite("pids", "pids.max", pids < 0 ? "max" : String(pids)))
        }
        writes += blockWrites(resources.blockIO)
        for (size, limit) in resources.hugepages {
            writes.append(CgroupWrite("hugetlb", "hugetlb.\(size).limit_in_bytes", limit))
        }
        if let classID = resources.network.classID, classID != 0 {
            writes.append(CgroupWrite("net_cls", "net_cls.classid", classID))
        }
        for (name, priority) in resources.network.priorities {
            writes.append(CgroupWrite("net_prio", "net_prio.ifpriomap", "\(name) \(priority)"))
        }
        for limit in resources.rdma {
            writes.append(CgroupWrite("rdma", "rdma.max", UnifiedCgroups.rdma(limit)))
        }
        return writes
    }

    private static func cpuWrites(_ cpu: Resources.CPU) -> [CgroupWrite] {
        var writes: [CgroupWrite] = []
        func add(_ file: String, _ value: (some BinaryInteger)?) {
            if let value, value != 0 { writes.append(CgroupWrite("cpu", file, value)) }
        }
        add("cpu.shares", cpu.shares)
        add("cpu.cfs_period_us", cpu.period)
        add("cpu.cfs_quota_us", cpu.quota)
        add("cpu.cfs_burst_us", cpu.burst)
        add("cpu.rt_period_us", cpu.realtimePeriod)
        add("cpu.rt_runtime_us", cpu.realtimeRuntime)
        add("cpu.idle", cpu.idle)
        if let cpus = cpu.cpus, !cpus.isEmpty { writes.append(CgroupWrite("cpuset", "cpuset.cpus", cpus)) }
        if let mems = cpu.mems, !mems.isEmpty { writes.append(CgroupWrite("cpuset", "cpuset.mems", mems)) }
        return writes
    }

    private static func blockWrites(_ block: Resources.BlockIO) -> [CgroupWrite] {
        var writes: [CgroupWrite] = []
        if let weight = block.weight, weight != 0 {
            writes.append(CgroupWrite("blkio", "blkio.bfq.weight", weight, optional: true))
        }
        for entry in block.weightDevices {
            guard let weight = entry.weight else { continue }
            writes.append(
                CgroupWrite("blkio", "blkio.bfq.weight_device", "\(entry.device) \(weight)", optional: true))
        }
        let files: [Resources.BlockIO.Throttle: String] = [
            .readBps: "read_bps_device", .writeBps: "write_bps_device", .readIOPS: "read_iops_device",
            .writeIOPS: "write_iops_device",
        ]
        for (kind, device, rate) in block.throttles {
            writes.append(CgroupWrite("blkio", "blkio.throttle.\(files[kind] ?? "")", "\(device) \(rate)"))
        }
        return writes
    }

    /// Denies everything, then goes through the rules and what every container may use, in their order.
    static func deviceWrites(_ rules: [Resources.DeviceRule]) -> [CgroupWrite] {
        [CgroupWrite("devices", "devices.deny", "a", optional: true)]
            + (rules + DeviceRules.always).map { rule in
                let major = rule.major.map(String.init) ?? "*"
                let minor = rule.minor.map(String.init) ?? "*"
                let text = rule.type == "a" ? "a" : "\(rule.type) \(major):\(minor) \(rule.access)"
                return CgroupWrite("devices", rule.allow ? "devices.allow" : "devices.deny", text, optional: true)
            }
    }
}

/// Devices that every container may use (config-linux.md, "default devices"), as runc allows them.
enum DeviceRules {
    static let always: [Resources.DeviceRule] = {
        func allow(_ type: String, _ major: Int64?, _ minor: Int64?, _ access: String) -> Resources.DeviceRule {
            Resources.DeviceRule(allow: true, type: type, major: major, minor: minor, access: access)
        }
        let nodes: [(Int64, Int64?)] = [(1, 3), (1, 8), (1, 7), (5, 0), (1, 5), (1, 9), (136, nil), (5, 2)]
        return [allow("c", nil, nil, "m"), allow("b", nil, nil, "m")]
            + nodes.map { allow("c", $0.0, $0.1, "rwm") }
    }()
}
