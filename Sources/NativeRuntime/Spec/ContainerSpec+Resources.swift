internal import CDI
internal import CRI
internal import Cgroups
internal import Linux
internal import OCI
internal import Runtime

extension ContainerSpec {
    func resources() throws -> JSON {
        guard case .object(let members) = try config.linux.resources.json() else { return .object([]) }
        return .object([.init("devices", .array(try deviceRules()))] + members)
    }

    // MARK: Devices

    /// Docker's and containerd's rules: nothing but making nodes, the default devices, terminals, and what was asked.
    private func deviceRules() throws -> [JSON] {
        if security.privileged { return [.deviceRule(allow: true)] }
        var rules: [JSON] = [
            .deviceRule(allow: false), .deviceRule(allow: true, type: "c", access: "m"),
            .deviceRule(allow: true, type: "b", access: "m"),
        ]
        let usual: [(Int64, Int64?)] = [(1, 3), (1, 8), (1, 7), (5, 0), (1, 5), (1, 9), (136, nil), (5, 2)]
        for (major, minor) in usual { rules.append(.deviceRule(allow: true, type: "c", major: major, minor: minor)) }
        for device in try askedDevices() {
            rules.append(
                .deviceRule(
                    allow: true, type: device.type, major: device.major, minor: device.minor,
                    access: device.permissions))
        }
        return rules
    }

    func devices() throws -> [JSON] {
        let all = security.privileged ? HostDevice.all() : []
        let asked = try askedDevices()
        let named = Set(asked.map(\.path))
        return (all.filter { !named.contains($0.path) } + asked).map(\.json)
    }

    private func askedDevices() throws -> [HostDevice] {
        var devices: [HostDevice] = []
        for device in config.devices {
            let permissions = device.permissions.isEmpty ? "rwm" : device.permissions
            guard permissions.allSatisfy({ "rwm".contains($0) }), device.hostPath.hasPrefix("/") else {
                throw RuntimeError(
                    .invalidArgument,
                    "device \(device.hostPath): an absolute path and permissions of r, w, m are needed")
            }
            let target = device.containerPath.isEmpty ? device.hostPath : device.containerPath
            let found = HostDevice.find(device.hostPath, as: target, permissions)
            guard !found.isEmpty else {
                throw RuntimeError(.invalidArgument, "device \(device.hostPath): there is no such device")
            }
            devices += found
        }
        devices += cdi.deviceNodes.compactMap { node in
            var device = HostDevice.find(node.hostPath, as: node.path, node.permissions).first
            if let mode = node.fileMode { device?.mode = mode }
            if let uid = node.uid { device?.uid = uid }
            if let gid = node.gid { device?.gid = gid }
            return device
        }
        return devices
    }
}

extension LinuxContainerResources {
    private static let hasHugepages = (try? CgroupHierarchies.read())?.has("hugetlb") ?? false

    /// `linux.resources` without devices; what is not set is left out.
    func json() throws -> JSON {
        func set(_ value: Int64) -> JSON? { value == 0 ? nil : .integer(value) }
        let cpu = JSON.compact([
            ("shares", set(cpuShares)), ("quota", set(cpuQuota)), ("period", set(cpuPeriod)),
            ("cpus", cpusetCpus.isEmpty ? nil : .string(cpusetCpus)),
            ("mems", cpusetMems.isEmpty ? nil : .string(cpusetMems)),
        ])
        // Without a swap limit of its own a container with limited memory gets no swap, as with Docker.
        let swap = memorySwapLimitInBytes != 0 ? memorySwapLimitInBytes : memoryLimitInBytes
        let memory = JSON.compact([("limit", set(memoryLimitInBytes)), ("swap", set(swap))])
        return .compact([
            ("cpu", cpu), ("memory", memory),
            (
                "hugepageLimits",
                // A limit on what the machine has none of says nothing.
                hugepageLimits.isEmpty || !Self.hasHugepages
                    ? nil
                    : .array(
                        hugepageLimits.map {
                            .compact([("pageSize", .string($0.pageSize)), ("limit", .integer($0.limit))])
                        })
            ),
            (
                "unified",
                unified.isEmpty
                    ? nil : .object(unified.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) })
            ),
        ])
    }
}
