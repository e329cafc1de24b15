/// What the plugins want of a container that is being created, one after another: each sees what those before it
/// changed.
struct CreationMerge: Sendable {
    /// The container as the next plugin is to see it.
    var container: NRIContainer
    /// What all want so far.
    var adjustment = NRIContainerAdjustment()
    /// What all want of other containers.
    var updates = UpdateMerge()

    init(_ container: NRIContainer) { self.container = container }

    var owners: Owners { updates.owners }

    /// Takes a plugin's answer in. Throws ``Owners/Conflict``.
    mutating func take(_ response: NRICreateContainerResponse, from plugin: String) throws {
        if response.hasAdjust { try take(response.adjust, plugin) }
        for update in response.update {
            guard update.containerID != container.id else {
                throw Owners.Conflict(
                    description: "plugin \(plugin) asked for an update of container \(container.id) in its creation")
            }
            try updates.take(update, from: plugin)
        }
    }

    private mutating func take(_ new: NRIContainerAdjustment, _ plugin: String) throws {
        try takeMap(new.annotations, .annotations, plugin, \.annotations, in: \.annotations)
        try takeMounts(new.mounts, plugin)
        try takeEnvironment(new.env, plugin)
        try takeArguments(new.args, plugin)
        takeHooks(new.hooks, plugin)
        if new.hasLinux { try take(new.linux, plugin) }
        for limit in new.rlimits {
            try claim(Claim(.rlimits, limit.type), plugin)
            container.rlimits.append(limit)
            adjustment.rlimits.append(limit)
        }
        for device in new.cdiDevices {
            try claim(Claim(.cdiDevices, device.name), plugin)
            adjustment.cdiDevices.append(device)
        }
    }

    private mutating func take(_ new: NRILinuxContainerAdjustment, _ plugin: String) throws {
        try takeDevices(new.devices, plugin)
        try takeMap(new.sysctl, .sysctl, plugin, \.linux.sysctl, in: \.linux.sysctl)
        try takeMap(new.netDevices, .linuxNetDevices, plugin, \.linux.netDevices, in: \.linux.netDevices)
        for namespace in new.namespaces {
            let type = Removal.name(namespace.type)
            try claim(Claim(.namespace, type), plugin)
            container.linux.namespaces.removeAll { $0.type == type }
            if Removal.of(namespace.type) == nil { container.linux.namespaces.append(namespace) }
            adjustment.linux.namespaces.append(namespace)
        }
        if new.resources.claims != [] || new.resources.devices != [] {
            for one in new.resources.claims { try claim(one, plugin) }
            container.linux.resources.overlay(new.resources)
            adjustment.linux.resources.overlay(new.resources)
        }
        if !new.cgroupsPath.isEmpty {
            try claim(Claim(.cgroupsPath), plugin)
            container.linux.cgroupsPath = new.cgroupsPath
            adjustment.linux.cgroupsPath = new.cgroupsPath
        }
        if new.hasRdt { try takeRDT(new.rdt, plugin) }
        if new.hasMemoryPolicy {
            try claim(Claim(.memoryPolicy), plugin)
            adjustment.linux.memoryPolicy = new.memoryPolicy
        }
        try takeProcess(new, plugin)
    }

    private mutating func takeProcess(_ new: NRILinuxContainerAdjustment, _ plugin: String) throws {
        if new.hasOomScoreAdj {
            try claim(Claim(.oomScoreAdj), plugin)
            container.linux.oomScoreAdj = new.oomScoreAdj
            adjustment.linux.oomScoreAdj = new.oomScoreAdj
        }
        if new.hasIoPriority {
            try claim(Claim(.ioPriority), plugin)
            container.linux.ioPriority = new.ioPriority
            adjustment.linux.ioPriority = new.ioPriority
        }
        if new.hasSeccompPolicy {
            try claim(Claim(.seccompPolicy), plugin)
            container.linux.seccompPolicy = new.seccompPolicy
            adjustment.linux.seccompPolicy = new.seccompPolicy
        }
        if new.hasScheduler {
            try claim(Claim(.linuxScheduler), plugin)
            container.linux.scheduler = new.scheduler
            adjustment.linux.scheduler = new.scheduler
        }
    }

    private mutating func takeRDT(_ new: NRILinuxRdt, _ plugin: String) throws {
        if new.remove {
            for field in [NRIField.rdtClosID, .rdtSchemata, .rdtEnableMonitoring] {
                updates.owners.clear(Claim(field), of: container.id, by: plugin)
            }
            adjustment.linux.rdt = NRILinuxRdt()
            adjustment.linux.rdt.remove = true
        }
        if new.hasClosID {
            try claim(Claim(.rdtClosID), plugin)
            adjustment.linux.rdt.closID = new.closID
        }
        if new.hasSchemata {
            try claim(Claim(.rdtSchemata), plugin)
            adjustment.linux.rdt.schemata = new.schemata
        }
        if new.hasEnableMonitoring {
            try claim(Claim(.rdtEnableMonitoring), plugin)
            adjustment.linux.rdt.enableMonitoring = new.enableMonitoring
        }
        if new.hasClosID || new.hasSchemata || new.hasEnableMonitoring { adjustment.linux.rdt.remove = false }
    }

    mutating func claim(_ claim: Claim, _ plugin: String) throws {
        try updates.owners.claim(claim, of: container.id, by: plugin)
    }

    mutating func clear(_ claim: Claim, _ plugin: String) {
        updates.owners.clear(claim, of: container.id, by: plugin)
    }

    private mutating func takeArguments(_ new: [String], _ plugin: String) throws {
        guard let first = new.first else { return }
        if first.isEmpty { clear(Claim(.args), plugin) }
        try claim(Claim(.args), plugin)
        let arguments = first.isEmpty ? Array(new.dropFirst()) : new
        container.args = arguments
        adjustment.args = arguments
    }

    private mutating func takeHooks(_ new: NRIHooks, _ plugin: String) {
        let kinds: [WritableKeyPath<NRIHooks, [NRIHook]>] = [
            \.prestart, \.createRuntime, \.createContainer, \.startContainer, \.poststart, \.poststop,
        ]
        for kind in kinds where !new[keyPath: kind].isEmpty {
            container.hooks[keyPath: kind] += new[keyPath: kind]
            adjustment.hooks[keyPath: kind] += new[keyPath: kind]
            updates.owners.add(.ociHooks, of: container.id, by: plugin)
        }
    }

    /// A map of settings by name; a name with a minus removes.
    private mutating func takeMap<Value>(
        _ new: [String: Value], _ field: NRIField, _ plugin: String,
        _ collected: WritableKeyPath<NRIContainerAdjustment, [String: Value]>,
        in seen: WritableKeyPath<NRIContainer, [String: Value]>
    ) throws {
        for (name, value) in new.sorted(by: { $0.key < $1.key }) {
            // A minus sorts before every letter: removals come first.
            if let removed = Removal.of(name) {
                clear(Claim(field, removed), plugin)
                container[keyPath: seen][removed] = nil
                adjustment[keyPath: collected][removed] = nil
                adjustment[keyPath: collected][name] = value
            } else {
                try claim(Claim(field, name), plugin)
                container[keyPath: seen][name] = value
                adjustment[keyPath: collected][name] = value
                adjustment[keyPath: collected][Removal.mark(name)] = nil
            }
        }
    }
}
