internal import BackEnd
internal import CDI
internal import NRI
internal import OCI
internal import Runtime

/// The `linux` part of config.json.
extension SpecAdjustment {
    func adjust(linux: inout JSON) throws {
        let changes = wanted.linux
        try refuseUnknown(changes)
        if !changes.cgroupsPath.isEmpty { linux.set("cgroupsPath", .string(changes.cgroupsPath)) }
        var sysctls = linux["sysctl"]?.dictionary ?? [:]
        sysctls.adjust(changes.sysctl)
        linux.set("sysctl", .dictionary(sysctls))
        linux.changeArray("namespaces") { namespaces in
            for namespace in changes.namespaces {
                let type = Removal.name(namespace.type)
                namespaces.removeAll { $0["type"]?.text == type }
                if Removal.of(namespace.type) == nil {
                    namespaces.append(.namespace(type, namespace.path.isEmpty ? nil : namespace.path))
                }
            }
        }
        if changes.hasSeccompPolicy { linux.set("seccomp", Self.seccomp(changes.seccompPolicy)) }
        linux.changeArray("devices") { adjust(devices: &$0) }
        linux.change("resources") { adjust(resources: &$0) }
        adjustPropagation(&linux)
    }

    private func refuseUnknown(_ changes: NRILinuxContainerAdjustment) throws {
        let unknown: [(String, Bool)] = [
            ("network devices", !changes.netDevices.isEmpty), ("RDT", changes.hasRdt && changes.rdt != .onlyRemoval),
            ("a memory policy", changes.hasMemoryPolicy), ("a block I/O class", changes.resources.hasBlockioClass),
            ("an RDT class", changes.resources.hasRdtClass),
        ]
        guard let (name, _) = unknown.first(where: \.1) else { return }
        throw RuntimeError(.unimplemented, "NRI: a plugin wants \(name): the executor knows none")
    }

    private func adjustPropagation(_ linux: inout JSON) {
        let asked = Set(wanted.mounts.flatMap(\.options))
        let now = linux["rootfsPropagation"]?.text ?? "rprivate"
        if asked.contains("rshared") || asked.contains("shared") {
            linux.set("rootfsPropagation", .string("rshared"))
        } else if now == "rprivate" && (asked.contains("rslave") || asked.contains("slave")) {
            linux.set("rootfsPropagation", .string("rslave"))
        }
    }

    // MARK: Devices

    private func adjust(devices: inout [JSON]) {
        let touched = Set(wanted.linux.devices.map { Removal.name($0.path) } + cdi.deviceNodes.map(\.path))
        devices.removeAll { touched.contains($0["path"]?.text ?? "") }
        for device in wanted.linux.devices where Removal.of(device.path) == nil {
            devices.append(
                .compact([
                    ("path", .string(device.path)), ("type", .string(device.type)), ("major", .integer(device.major)),
                    ("minor", .integer(device.minor)),
                    ("fileMode", device.hasFileMode ? .integer(device.fileMode.value) : nil),
                    ("uid", device.hasUid ? .integer(device.uid.value) : nil),
                    ("gid", device.hasGid ? .integer(device.gid.value) : nil),
                ]))
        }
        devices += cdiDevices.map(\.json)
    }

    private var cdiDevices: [HostDevice] {
        cdi.deviceNodes.compactMap { node in
            var device = HostDevice.find(node.hostPath, as: node.path, node.permissions).first
            if let mode = node.fileMode { device?.mode = mode }
            if let uid = node.uid { device?.uid = uid }
            if let gid = node.gid { device?.gid = gid }
            return device
        }
    }

    private var deviceRules: [JSON] {
        var rules: [JSON] = wanted.linux.devices.filter { Removal.of($0.path) == nil }.map { device in
            .deviceRule(
                allow: true, type: device.type, major: device.major, minor: device.minor,
                access: device.type == "b" ? "rwm" : "rw")
        }
        rules += cdiDevices.map {
            .deviceRule(allow: true, type: $0.type, major: $0.major, minor: $0.minor, access: $0.permissions)
        }
        rules += wanted.linux.resources.devices.map { rule in
            .deviceRule(
                allow: rule.allow, type: rule.type.isEmpty ? "a" : rule.type,
                major: rule.hasMajor ? rule.major.value : nil, minor: rule.hasMinor ? rule.minor.value : nil,
                access: rule.access)
        }
        return rules
    }

    // MARK: Limits

    private func adjust(resources: inout JSON) {
        let limits = wanted.linux.resources
        resources.changeArray("devices") { $0 += deviceRules }
        resources.merge(limits.json)
        if limits.memory.hasLimit && !limits.memory.hasSwap {
            resources.change("memory") { $0.set("swap", .integer(limits.memory.limit.value)) }
        }
    }

    private static func seccomp(_ policy: NRILinuxSeccomp) -> JSON {
        func texts(_ texts: [String]) -> JSON? { texts.isEmpty ? nil : .strings(texts) }
        func text(_ text: String) -> JSON? { text.isEmpty ? nil : .string(text) }
        return .compact([
            ("defaultAction", .string(policy.defaultAction)),
            ("defaultErrnoRet", policy.hasDefaultErrno ? .integer(policy.defaultErrno.value) : nil),
            ("architectures", texts(policy.architectures)), ("flags", texts(policy.flags)),
            ("listenerPath", text(policy.listenerPath)), ("listenerMetadata", text(policy.listenerMetadata)),
            (
                "syscalls",
                .array(
                    policy.syscalls.map { call in
                        .compact([
                            ("names", .strings(call.names)), ("action", .string(call.action)),
                            ("errnoRet", call.hasErrnoRet ? .integer(call.errnoRet.value) : nil),
                            (
                                "args",
                                .array(
                                    call.args.map { argument in
                                        .compact([
                                            ("index", .integer(argument.index)), ("value", .integer(argument.value)),
                                            ("valueTwo", .integer(argument.valueTwo)), ("op", .string(argument.op)),
                                        ])
                                    })
                            ),
                        ])
                    })
            ),
        ])
    }
}

extension NRILinuxRdt {
    /// There is nothing to be removed.
    fileprivate static var onlyRemoval: NRILinuxRdt {
        var rdt = NRILinuxRdt()
        rdt.remove = true
        return rdt
    }
}

extension NRILinuxResources {
    /// `linux.resources` with what is set.
    var json: JSON {
        let memory = JSON.compact([
            ("limit", self.memory.hasLimit ? .integer(self.memory.limit.value) : nil),
            ("reservation", self.memory.hasReservation ? .integer(self.memory.reservation.value) : nil),
            ("swap", self.memory.hasSwap ? .integer(self.memory.swap.value) : nil),
            ("kernel", self.memory.hasKernel ? .integer(self.memory.kernel.value) : nil),
            ("kernelTCP", self.memory.hasKernelTcp ? .integer(self.memory.kernelTcp.value) : nil),
            ("swappiness", self.memory.hasSwappiness ? .integer(self.memory.swappiness.value) : nil),
            ("disableOOMKiller", self.memory.hasDisableOomKiller ? .bool(self.memory.disableOomKiller.value) : nil),
        ])
        let cpu = JSON.compact([
            ("shares", self.cpu.hasShares ? .integer(self.cpu.shares.value) : nil),
            ("quota", self.cpu.hasQuota ? .integer(self.cpu.quota.value) : nil),
            ("period", self.cpu.hasPeriod ? .integer(self.cpu.period.value) : nil),
            ("realtimeRuntime", self.cpu.hasRealtimeRuntime ? .integer(self.cpu.realtimeRuntime.value) : nil),
            ("realtimePeriod", self.cpu.hasRealtimePeriod ? .integer(self.cpu.realtimePeriod.value) : nil),
            ("cpus", self.cpu.cpus.isEmpty ? nil : .string(self.cpu.cpus)),
            ("mems", self.cpu.mems.isEmpty ? nil : .string(self.cpu.mems)),
        ])
        return .compact([
            ("memory", memory.members.isEmpty ? nil : memory), ("cpu", cpu.members.isEmpty ? nil : cpu),
            ("pids", hasPids ? .compact([("limit", .integer(pids.limit))]) : nil), ("unified", .dictionary(unified)),
            (
                "hugepageLimits",
                hugepageLimits.isEmpty
                    ? nil
                    : .array(
                        hugepageLimits.map {
                            .compact([("pageSize", .string($0.pageSize)), ("limit", .integer($0.limit))])
                        })
            ),
        ])
    }
}

extension JSON {
    /// Takes over the members of `other`, those of objects one by one.
    mutating func merge(_ other: JSON) {
        for member in other.members {
            if case .object = member.value {
                change(member.key) { $0.merge(member.value) }
            } else {
                set(member.key, member.value)
            }
        }
    }
}
