/// Lists whose entries have a name: mounts, devices, environment.
extension CreationMerge {
    mutating func takeMounts(_ new: [NRIMount], _ plugin: String) throws {
        if new.isEmpty { return }
        try takeList(new, .mounts, plugin, \.destination)
        container.mounts = Self.merged(container.mounts, new, \.destination)
        adjustment.mounts = Self.collected(adjustment.mounts, new, \.destination)
    }

    mutating func takeDevices(_ new: [NRILinuxDevice], _ plugin: String) throws {
        if new.isEmpty { return }
        try takeList(new, .devices, plugin, \.path)
        container.linux.devices = Self.merged(container.linux.devices, new, \.path)
        adjustment.linux.devices = Self.collected(adjustment.linux.devices, new, \.path)
    }

    mutating func takeEnvironment(_ new: [NRIKeyValue], _ plugin: String) throws {
        if new.isEmpty { return }
        try takeList(new, .env, plugin, \.key)
        let touched = Set(new.map { Removal.name($0.key) })
        let kept = container.env.filter { !touched.contains(String($0.prefix { $0 != "=" })) }
        container.env = kept + new.filter { Removal.of($0.key) == nil }.map { "\($0.key)=\($0.value)" }
        adjustment.env = Self.collected(adjustment.env, new, \.key)
    }

    private mutating func takeList<Entry>(
        _ new: [Entry], _ field: NRIField, _ plugin: String, _ name: (Entry) -> String
    ) throws {
        for removed in new.compactMap({ Removal.of(name($0)) }) { clear(Claim(field, removed), plugin) }
        for entry in new where Removal.of(name(entry)) == nil { try claim(Claim(field, name(entry)), plugin) }
    }

    /// What is there with what is new: entries of the same name make way.
    private static func merged<Entry>(_ old: [Entry], _ new: [Entry], _ name: (Entry) -> String) -> [Entry] {
        let touched = Set(new.map { Removal.name(name($0)) })
        return old.filter { !touched.contains(name($0)) } + new.filter { Removal.of(name($0)) == nil }
    }

    /// The same, and removals of what nobody added again stay.
    private static func collected<Entry>(_ old: [Entry], _ new: [Entry], _ name: (Entry) -> String) -> [Entry] {
        let touched = Set(new.map { Removal.name(name($0)) })
        let added = Set(new.map(name))
        let kept = old.filter { !touched.contains(Removal.name(name($0))) }
        return kept
            + new.filter { entry in
                guard let removed = Removal.of(name(entry)) else { return true }
                return !added.contains(removed)
            }
    }
}
