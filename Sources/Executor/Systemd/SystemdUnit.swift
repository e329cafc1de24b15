internal import Glibc
internal import Linux
internal import OCI

/// The transient scope that holds a container where systemd manages cgroups.
struct SystemdUnit: Equatable, Sendable {
    /// With ".scope".
    var name: String
    /// With ".slice".
    var slice: String
    /// What may be seen of it by people.
    var description: String

    /// By `cgroupsPath` as "slice:prefix:name" (runc's form); nil when it is none. An empty slice is "system.slice".
    init?(_ path: String, id: String) throws {
        let parts = path.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3 else {
            if parts.count == 1 { return nil }
            throw SpecError("linux.cgroupsPath", "\(path) is not slice:prefix:name")
        }
        guard !parts[2].isEmpty, !path.contains("/"), !path.contains("..") else {
            throw SpecError("linux.cgroupsPath", "\(path) is not slice:prefix:name")
        }
        slice = parts[0].isEmpty ? "system.slice" : parts[0]
        let inner = slice.dropLast(6)
        guard slice.hasSuffix(".slice"),
            inner == "-" || !inner.isEmpty && !inner.hasPrefix("-") && !inner.hasSuffix("-") && !inner.contains("--")
        else { throw SpecError("linux.cgroupsPath", "\(slice) is no slice") }
        name = (parts[1].isEmpty ? parts[2] : "\(parts[1])-\(parts[2])") + ".scope"
        description = "fender container \(id)"
    }

    /// The unit for a new container; nil where its cgroups are ours.
    static func wanted(_ path: String, id: String, systemd: Bool?) throws -> SystemdUnit? {
        if systemd == true && path.isEmpty { return try SystemdUnit(":fender:\(id)", id: id) }
        let unit = try SystemdUnit(path, id: id)
        if let systemd, systemd != (unit != nil) {
            throw SpecError(
                "linux.cgroupsPath", "\(path) is \(systemd ? "not slice:prefix:name" : "one for --systemd-cgroup")")
        }
        return unit
    }

    /// Of a container made earlier.
    init(name: String) {
        self.name = name
        slice = ""
        description = ""
    }

    /// The cgroup, absolute in each hierarchy: "a-b.slice" is below "a.slice" (systemd.slice(5)).
    var cgroup: String {
        var path = ""
        if slice != "-.slice" {
            var parts: [Substring] = []
            for part in slice.dropLast(6).split(separator: "-") {
                parts.append(part)
                path += "/\(parts.joined(separator: "-")).slice"
            }
        }
        return "\(path)/\(name)"
    }

    /// Makes the scope around a process of ours, since systemd makes none that is empty.
    func start(_ resources: Resources, isUnified: Bool, holding pid: Int32) throws {
        let bus = try SystemdBus()
        let properties: [(name: String, value: DBusValue)] = [
            ("Description", .string(description)), ("Slice", .string(slice)), ("Delegate", .bool(true)),
            ("DefaultDependencies", .bool(false)), ("PIDs", .uint32s([UInt32(pid)])),
        ]
        let arguments: [DBusValue] = [
            .string(name), .string("replace"),
            .properties(
                properties + Self.accounting
                    + (resources.pids == nil ? [("TasksMax", .uint64(.max))] : [])
                    + Self.properties(resources, isUnified: isUnified)), .noUnits,
        ]
        do {
            try bus.runJob("StartTransientUnit", arguments)
        } catch let error as SystemdError where error.name.hasSuffix(".UnitExists") {
            // One of that name failed and was kept to be looked at.
            try bus.manage("ResetFailedUnit", [.string(name)])
            try bus.runJob("StartTransientUnit", arguments)
        }
    }

    /// Sets what `resources` says, until the unit goes.
    func update(_ resources: Resources, isUnified: Bool) throws {
        let properties = Self.properties(resources, isUnified: isUnified)
        if properties.isEmpty { return }
        try SystemdBus().manage("SetUnitProperties", [.string(name), .bool(true), .properties(properties)])
    }

    /// Removes the unit, and kills what is in it; none is fine.
    func stop() throws {
        let bus = try SystemdBus()
        do {
            try bus.runJob("StopUnit", [.string(name), .string("replace")])
        } catch let error as SystemdError where error.name.hasSuffix(".NoSuchUnit") {}
        // It would stay if it failed.
        do {
            try bus.manage("ResetFailedUnit", [.string(name)])
        } catch is SystemdError {}
    }

    private static var accounting: [(name: String, value: DBusValue)] {
        ["CPUAccounting", "MemoryAccounting", "TasksAccounting", "IOAccounting"].map { ($0, .bool(true)) }
    }

    /// Limits in systemd's words, so that it never sets its own over what we write to the files. What it has no word for
    /// is only in the files.
    static func properties(_ resources: Resources, isUnified: Bool) -> [(name: String, value: DBusValue)] {
        var list: [(name: String, value: DBusValue)] = []
        func add(_ name: String, _ value: Int64?) {
            // 0 means "as it is", -1 without limit.
            if let value, value != 0 { list.append((name, .uint64(value < 0 ? .max : UInt64(value)))) }
        }
        let (memory, cpu) = (resources.memory, resources.cpu)
        add(isUnified ? "MemoryMax" : "MemoryLimit", memory.limit)
        if isUnified {
            add("MemoryLow", memory.reservation)
            if let swap = memory.swap, swap != 0, let limit = memory.limit, swap < 0 || swap >= limit && limit > 0 {
                list.append(("MemorySwapMax", .uint64(swap < 0 ? .max : UInt64(swap - limit))))
            }
        }
        if let shares = cpu.shares, shares != 0 {
            list.append(
                isUnified
                    ? ("CPUWeight", .uint64(UnifiedCgroups.weight(shares: shares))) : ("CPUShares", .uint64(shares)))
        }
        if let period = cpu.period, period != 0 { list.append(("CPUQuotaPeriodUSec", .uint64(period))) }
        if let quota = cpu.quota, quota != 0 {
            list.append(("CPUQuotaPerSecUSec", .uint64(perSecond(quota, period: cpu.period ?? 0))))
        }
        add("TasksMax", resources.pids)
        if isUnified {
            for (name, text) in [("AllowedCPUs", cpu.cpus), ("AllowedMemoryNodes", cpu.mems)] {
                if let text, !text.isEmpty, let mask = CPUList.mask(text) { list.append((name, .bytes(mask))) }
            }
        }
        return list
    }

    /// Microseconds a second, rounded up to systemd's steps of 1 %, as runc does.
    static func perSecond(_ quota: Int64, period: UInt64) -> UInt64 {
        guard quota > 0 else { return .max }
        let microseconds = UInt64(quota).multipliedReportingOverflow(by: 1_000_000)
        guard !microseconds.overflow else { return .max }
        let value = microseconds.partialValue / (period == 0 ? 100_000 : period)
        return (value + 9999) / 10_000 * 10_000
    }
}
