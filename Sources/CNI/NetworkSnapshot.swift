/// What the configuration directory held at one moment.
public struct NetworkSnapshot: Sendable {
    /// The network that new pods get: the first valid file's; nil when there is none.
    public var network: Network?
    /// The files that were passed over, and why.
    public var rejected: [String: String]

    static func load(_ directory: String) -> NetworkSnapshot { NetworkSnapshot(network: nil, rejected: [:]) }
}

/// A network: a list of plugins that run one after another.
public struct Network: Sendable, Equatable {
    /// Its name.
    public var name: String
    /// The version of the specification that is spoken with its plugins.
    public var cniVersion: String
    /// The file that it was read from.
    public var path: String
    /// The plugins' types, in order.
    public var pluginTypes: [String]
}
