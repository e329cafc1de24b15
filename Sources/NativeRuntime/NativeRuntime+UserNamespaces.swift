internal import CRI
internal import Glibc
internal import Images
internal import Linux
internal import OCI
internal import Runtime

/// User namespaces of pods: `NamespaceOption.userns_options`.
extension NativeRuntime {
    /// What a sandbox asks for: nil is the node's own user namespace. Throws what cannot be had.
    func idMaps(_ options: NamespaceOption) throws -> IDMaps? {
        guard let maps = try options.idMaps() else { return nil }
        if let obstacle = obstacleToUserNamespaces {
            throw RuntimeError(.unimplemented, "user namespaces: this node cannot have them: \(obstacle)")
        }
        return maps
    }

    /// The user namespace of a sandbox; nil for the node's own.
    func idSpace(_ sandboxID: String, _ options: NamespaceOption) throws -> IDSpace? {
        try options.idMaps().map { IDSpace(path: namespaces(sandboxID).path(.user), maps: $0) }
    }

    /// A container has its pod's user namespace; one that says nothing of it has, too.
    func checkUserNamespace(_ options: NamespaceOption, in sandbox: SandboxRecord) throws {
        let pod = sandbox.status.linux.namespaces.options
        guard try !options.hasUsernsOptions || options.idMaps() == pod.idMaps() else {
            throw RuntimeError(.invalidArgument, "userns_options: they are not those of sandbox \(sandbox.id)")
        }
    }
}

extension NamespaceOption {
    /// The maps of mode POD, nil for NODE. Throws InvalidArgument for what the CRI does not allow.
    func idMaps() throws -> IDMaps? {
        guard hasUsernsOptions else { return nil }
        let (users, groups) = (usernsOptions.uids, usernsOptions.gids)
        func require(_ holds: Bool, _ what: String) throws {
            if !holds { throw RuntimeError(.invalidArgument, "userns_options: \(what)") }
        }
        guard usernsOptions.mode == .pod else {
            try require(usernsOptions.mode == .node, "only modes POD and NODE are allowed")
            try require(users.isEmpty && groups.isEmpty, "mode NODE has no mappings")
            return nil
        }
        for (name, list) in [("uids", users), ("gids", groups)] {
            try require(list.count == 1, "\(name): exactly one mapping is needed, there are \(list.count)")
            try require(list[0].containerID == 0, "\(name): container id 0 must be mapped")
            try require(list[0].length > 0, "\(name): length must not be 0")
            let end = UInt64(list[0].hostID) + UInt64(list[0].length)
            try require(end <= UInt64(UInt32.max), "\(name): ids end at \(UInt32.max - 1)")
        }
        try require(users[0].length == groups[0].length, "uids and gids must have the same length")
        try require(pid != .node, "mode POD goes with no pid namespace of the node")
        try require(ipc != .node, "mode POD goes with no ipc namespace of the node")
        return IDMaps(users: users.map(IDRange.init), groups: groups.map(IDRange.init))
    }
}

/// Whom a pod's own things belong to: root, as its user namespace has it.
struct PodOwner: Sendable {
    let user: UInt32
    let group: UInt32
    private let maps: IDMaps?

    init(_ options: NamespaceOption) throws {
        maps = try options.idMaps()
        user = maps?.host(user: 0) ?? 0
        group = maps?.host(group: 0) ?? 0
    }

    /// Writes a file below /proc/sys on a thread in the pod's namespaces.
    ///
    /// Network and names take the word of the node's root, limits of IPC that of the namespace's root alone.
    func set(sysctl name: String, _ value: String) throws {
        let path = "/proc/sys/" + String(name.map { $0 == "." ? "/" : $0 == "/" ? "." : $0 })
        guard let value = name == "net.ipv4.ping_group_range" ? onHost(groups: value) : value else { return }
        do {
            try Files.poke(path, value)
        } catch let error as SystemError where error.code == EACCES && user != 0 {
            try ThreadIdentity.acting(asUser: user, group: group) { try Files.poke(path, value) }
        }
    }

    /// A range of groups, the part of it that the namespace has, as the host's; the kernel takes the writer's. Nil for
    /// groups beyond those that the kernel takes here.
    func onHost(groups text: String) -> String? {
        guard let last = maps?.groups.first.map({ $0.count - 1 }) else { return text }
        let numbers = text.split(whereSeparator: \.isWhitespace).compactMap { UInt32($0) }
        guard numbers.count == 2, numbers[0] <= numbers[1], numbers[0] <= last else { return text }
        let host = numbers.map { group &+ min($0, last) }
        return host[1] <= UInt32(Int32.max) ? "\(host[0]) \(host[1])" : nil
    }
}

extension IDRange {
    init(_ mapping: CRI.IDMapping) {
        self.init(inside: mapping.containerID, host: mapping.hostID, count: mapping.length)
    }

    /// An entry of `uidMappings` in config.json.
    var json: JSON {
        .compact([("containerID", .integer(inside)), ("hostID", .integer(host)), ("size", .integer(count))])
    }
}

extension IDSpace {
    /// Its entry of `linux.namespaces`.
    var namespace: JSON { .namespace("user", path) }
    /// `linux.uidMappings` and `linux.gidMappings`.
    var users: JSON { .array(maps.users.map(\.json)) }
    var groups: JSON { .array(maps.groups.map(\.json)) }
}
