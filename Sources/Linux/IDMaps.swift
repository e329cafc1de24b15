/// A range of ids as a user namespace maps it (user_namespaces(7)).
public struct IDRange: Sendable, Hashable {
    /// The first id inside.
    public var inside: UInt32
    /// What it is on the host.
    public var host: UInt32
    /// How many there are.
    public var count: UInt32

    /// A range.
    public init(inside: UInt32, host: UInt32, count: UInt32) {
        self.inside = inside
        self.host = host
        self.count = count
    }

    var line: String { "\(inside) \(host) \(count)\n" }
}

/// The users and groups of a user namespace.
public struct IDMaps: Sendable, Hashable {
    /// uid_map.
    public var users: [IDRange]
    /// gid_map.
    public var groups: [IDRange]

    /// Maps; the kernel wants at least one range of each.
    public init(users: [IDRange], groups: [IDRange]) {
        self.users = users
        self.groups = groups
    }

    /// What a user of the namespace is on the host; nil when it has no such user.
    public func host(user: UInt32) -> UInt32? { Self.host(user, users) }

    /// What a group of the namespace is on the host; nil when it has no such group.
    public func host(group: UInt32) -> UInt32? { Self.host(group, groups) }

    private static func host(_ id: UInt32, _ ranges: [IDRange]) -> UInt32? {
        for range in ranges where id >= range.inside && id - range.inside < range.count {
            return range.host &+ (id - range.inside)
        }
        return nil
    }
}

/// A user namespace that a file leads to, and what its ids are on the host.
public struct IDSpace: Sendable, Hashable {
    /// Such as a pinned namespace, or `/proc/<pid>/ns/user`.
    public var path: String
    /// Its maps.
    public var maps: IDMaps

    /// A namespace with those maps.
    public init(path: String, maps: IDMaps) {
        self.path = path
        self.maps = maps
    }
}
