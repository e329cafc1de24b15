internal import CExecutor
internal import OCI

/// CLONE_NEW* bits.
enum NamespaceFlag {
    static let cgroup: UInt64 = 0x0200_0000
    static let mount: UInt64 = 0x0002_0000

    static func of(_ kind: LinuxSpec.Namespace.Kind) -> UInt64 {
        switch kind {
        case .time: return 0x80
        case .mount: return mount
        case .cgroup: return cgroup
        case .uts: return 0x0400_0000
        case .ipc: return 0x0800_0000
        case .user: return 0x1000_0000
        case .pid: return 0x2000_0000
        case .network: return 0x4000_0000
        }
    }
}

extension PlanBuilder {
    func has(_ kind: LinuxSpec.Namespace.Kind) -> Bool { spec.linux.namespaces.contains { $0.kind == kind } }

    func isNew(_ kind: LinuxSpec.Namespace.Kind) -> Bool {
        spec.linux.namespaces.contains { $0.kind == kind && $0.path == nil }
    }

    var isInUserNamespace: Bool { has(.user) }

    /// Joins what has a path, then clones with what is new.
    ///
    /// Joined user namespaces come last: until then we have the host's rights, which namespaces that the user
    /// namespace does not own ask for. A joined mount namespace comes just before, since paths change with it. Answers
    /// the slot of a cgroup namespace to join, which is the child's to do.
    mutating func addNamespaces() throws -> UInt64? {
        guard isNew(.mount) else { throw SpecError("linux.namespaces", "a new mount namespace is needed") }
        let order: (LinuxSpec.Namespace) -> Int = { $0.kind == .user ? 2 : $0.kind == .mount ? 1 : 0 }
        let joined = spec.linux.namespaces.filter { $0.path != nil }.sorted { order($0) < order($1) }
        var entries: [(slot: UInt64, kind: LinuxSpec.Namespace.Kind, path: String)] = []
        for namespace in joined {
            let slot = try writer.slot()
            let path = namespace.path ?? ""
            writer.step(FENDER_OPEN_NAMESPACE, [slot], [path])
            entries.append((slot, namespace.kind, path))
        }
        try addTimeOffsets()
        for entry in entries where entry.kind != .cgroup {
            writer.step(FENDER_ENTER, [entry.slot, NamespaceFlag.of(entry.kind)], [entry.path])
        }
        // The time namespace is made before and the cgroup namespace after.
        let new = spec.linux.namespaces.filter { $0.path == nil && $0.kind != .time && $0.kind != .cgroup }
        let flags = new.reduce(UInt64(0)) { $0 | NamespaceFlag.of($1.kind) }
        try checkMappings()
        writer.step(
            FENDER_CLONE, [flags],
            isNew(.user) ? [Self.map(spec.linux.uidMappings), Self.map(spec.linux.gidMappings)] : ["", ""])
        return entries.first { $0.kind == .cgroup }?.slot
    }

    private mutating func addTimeOffsets() throws {
        guard isNew(.time) else {
            if !spec.linux.timeOffsets.isEmpty { throw SpecError("linux.timeOffsets", "needs a new time namespace") }
            return
        }
        let lines = spec.linux.timeOffsets.map { "\($0.clock) \($0.seconds) \($0.nanoseconds)\n" }
        writer.step(FENDER_TIME_OFFSETS, [], [lines.joined()])
    }

    private func checkMappings() throws {
        let linux = spec.linux
        if isNew(.user) {
            if linux.uidMappings.isEmpty { throw SpecError("linux.uidMappings", "is missing") }
            if linux.gidMappings.isEmpty { throw SpecError("linux.gidMappings", "is missing") }
        } else if !isInUserNamespace && (!linux.uidMappings.isEmpty || !linux.gidMappings.isEmpty) {
            throw SpecError("linux.uidMappings", "needs a user namespace")
        }
    }

    /// As uid_map and gid_map take it (user_namespaces(7)).
    static func map(_ mappings: [IDMapping]) -> String {
        mappings.map { "\($0.containerID) \($0.hostID) \($0.size)\n" }.joined()
    }
}
