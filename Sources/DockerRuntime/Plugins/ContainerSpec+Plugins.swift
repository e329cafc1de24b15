internal import BackEnd
internal import CRI
internal import DockerEngine
internal import FoundationEssentials
internal import Linux
internal import NRI
internal import Runtime

/// What NRI plugins want, done to what Docker is asked for. What its API cannot do is refused.
extension ContainerSpec {
    mutating func adjust(by wanted: NRIContainerAdjustment) throws {
        try refuseUnknown(wanted)
        if !wanted.annotations.isEmpty {
            var annotations = config.annotations
            annotations.adjust(wanted.annotations)
            plugins.annotations = annotations
        }
        for variable in wanted.env { adjust(variable) }
        if !wanted.args.isEmpty { (config.command, config.args) = (wanted.args, []) }
        for mount in wanted.mounts { try adjust(mount) }
        for device in wanted.linux.devices { try adjust(device) }
        for device in wanted.cdiDevices where !config.cdiDevices.contains(where: { $0.name == device.name }) {
            var added = CRI.CDIDevice()
            added.name = device.name
            config.cdiDevices.append(added)
        }
        for (name, value) in wanted.linux.sysctl where Removal.of(name) == nil { plugins.sysctls[name] = value }
        plugins.ulimits += wanted.rlimits.map { limit in
            Docker.Ulimit(
                Name: limit.type.hasPrefix("RLIMIT_") ? limit.type.dropFirst(7).lowercased() : limit.type,
                Soft: Self.ulimit(limit.soft), Hard: Self.ulimit(limit.hard))
        }
        try adjustResources(wanted)
    }

    private func refuseUnknown(_ wanted: NRIContainerAdjustment) throws {
        let (linux, resources) = (wanted.linux, wanted.linux.resources)
        let unknown: [(String, Bool)] = [
            ("OCI hooks", wanted.hooks != NRIHooks()), ("a cgroup path", !linux.cgroupsPath.isEmpty),
            ("an I/O priority", linux.hasIoPriority), ("a seccomp policy", linux.hasSeccompPolicy),
            ("namespaces", !linux.namespaces.isEmpty), ("network devices", !linux.netDevices.isEmpty),
            ("a scheduler", linux.hasScheduler), ("RDT", linux.hasRdt && linux.rdt.claimsAnything),
            ("a memory policy", linux.hasMemoryPolicy), ("a block I/O class", resources.hasBlockioClass),
            ("an RDT class", resources.hasRdtClass), ("kernel memory limits", resources.memory.hasKernel),
            ("kernel TCP memory limits", resources.memory.hasKernelTcp),
            ("realtime CPU limits", resources.cpu.hasRealtimePeriod || resources.cpu.hasRealtimeRuntime),
            ("device denials", resources.devices.contains { !$0.allow }),
        ]
        guard let (name, _) = unknown.first(where: \.1) else { return }
        throw RuntimeError(.unimplemented, "NRI: a plugin wants \(name): Docker's API has no word for that")
    }

    private mutating func adjust(_ variable: NRIKeyValue) {
        let name = Removal.name(variable.key)
        config.envs.removeAll { $0.key == name }
        plugins.removedEnvironment.removeAll { $0 == name }
        if Removal.of(variable.key) != nil {
            plugins.removedEnvironment.append(name)
        } else {
            var added = CRI.KeyValue()
            added.key = name
            added.value = .init(variable.value.utf8)
            config.envs.append(added)
        }
    }

    private static func ulimit(_ value: UInt64) -> Int64 { value == .max ? -1 : Int64(clamping: value) }

    // MARK: Mounts and devices

    private mutating func adjust(_ mount: NRIMount) throws {
        let target = Removal.name(mount.destination)
        let known = config.mounts.indices.filter { config.mounts[$0].containerPath == target }
        guard known.allSatisfy({ !config.mounts[$0].hasImage }) else {
            throw RuntimeError(.unimplemented, "NRI: mount \(target): an image volume cannot be changed")
        }
        config.mounts.removeAll { $0.containerPath == target }
        plugins.tmpfs[target] = nil
        if Removal.of(mount.destination) != nil {
            if known.isEmpty { throw RuntimeError(.unimplemented, "NRI: mount \(target): it is Docker's own") }
            return
        }
        let saysBind = mount.options.contains { $0 == "bind" || $0 == "rbind" }
        switch mount.type {
        case "tmpfs": plugins.tmpfs[target] = mount.options.filter { $0 != "tmpfs" }.joined(separator: ",")
        case "bind": config.mounts.append(bind(mount))
        case "none", "":
            guard saysBind else { fallthrough }
            config.mounts.append(bind(mount))
        default:
            throw RuntimeError(.unimplemented, "NRI: mount \(target): Docker mounts no \(mount.type)")
        }
    }

    private func bind(_ mount: NRIMount) -> CRI.Mount {
        var result = CRI.Mount()
        result.containerPath = mount.destination
        result.hostPath = mount.source
        result.readonly = mount.options.contains("ro")
        if mount.options.contains("rshared") || mount.options.contains("shared") {
            result.propagation = .propagationBidirectional
        } else if mount.options.contains("rslave") || mount.options.contains("slave") {
            result.propagation = .propagationHostToContainer
        }
        return result
    }

    private mutating func adjust(_ device: NRILinuxDevice) throws {
        let target = Removal.name(device.path)
        config.devices.removeAll { ($0.containerPath.isEmpty ? $0.hostPath : $0.containerPath) == target }
        if Removal.of(device.path) != nil { return }
        var added = CRI.Device()
        added.hostPath = try Self.hostPath(of: device)
        added.containerPath = device.path
        added.permissions = device.type == "b" ? "rwm" : "rw"
        config.devices.append(added)
    }

    /// Docker copies the host's nodes; the kernel says what it calls this one.
    private static func hostPath(of device: NRILinuxDevice) throws -> String {
        let kind = device.type == "b" ? "block" : "char"
        let facts = try? Files.text("/sys/dev/\(kind)/\(device.major):\(device.minor)/uevent")
        let name = facts?.split(separator: "\n").first { $0.hasPrefix("DEVNAME=") }?.dropFirst(8)
        guard let name, Files.exists("/dev/\(name)") else {
            throw RuntimeError(
                .unimplemented,
                "NRI: device \(device.path): the host has no node \(device.major):\(device.minor) for Docker to copy")
        }
        return "/dev/\(name)"
    }

    // MARK: Limits

    private mutating func adjustResources(_ wanted: NRIContainerAdjustment) throws {
        let resources = wanted.linux.resources
        config.linux.resources = config.linux.resources.adjusted(by: wanted)
        if resources.hasPids { plugins.pids = resources.pids.limit }
        if resources.memory.hasReservation { plugins.memoryReservation = resources.memory.reservation.value }
        if resources.memory.hasSwappiness {
            plugins.swappiness = Int64(clamping: resources.memory.swappiness.value)
        }
        if resources.memory.hasDisableOomKiller {
            plugins.hasNoOOMKiller = resources.memory.disableOomKiller.value
        }
        plugins.deviceRules += resources.devices.map { rule in
            let (major, minor) = (
                rule.hasMajor ? "\(rule.major.value)" : "*", rule.hasMinor ? "\(rule.minor.value)" : "*"
            )
            return
                "\(rule.type.isEmpty ? "a" : rule.type) \(major):\(minor) \(rule.access.isEmpty ? "rwm" : rule.access)"
        }
    }
}

extension NRILinuxRdt {
    /// Whether it asks for more than that nothing be set.
    fileprivate var claimsAnything: Bool { hasClosID || hasSchemata || hasEnableMonitoring }
}
