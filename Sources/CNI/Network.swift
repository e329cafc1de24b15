/// A network: a list of plugins that run one after another.
public struct Network: Sendable, Equatable {
    /// Its name.
    public var name: String
    /// The version of the specification that is spoken with its plugins.
    public var cniVersion: String { version.description }
    /// The file that it was read from; empty for one out of the cache.
    public var path: String
    /// The plugins' types, in order.
    public var pluginTypes: [String] { plugins.map(\.type) }

    /// Whether it is the loopback that dockershim and cri-dockerd attach by a plugin: it gives no address that anybody
    /// else could have, and holds nothing that outlives the namespace.
    var isLoopback: Bool { plugins.allSatisfy { $0.type == "loopback" } }

    let version: CNIVersion
    let disableCheck: Bool
    let disableGC: Bool
    let plugins: [NetworkPlugin]
    /// The list as it was read, with the plugins of other files put in: what the cache keeps.
    let document: JSONValue
}

/// One plugin of a network.
struct NetworkPlugin: Sendable, Equatable {
    /// The program's name.
    let type: String
    /// The capabilities that it declares.
    let capabilities: [String]
    /// Its configuration as the administrator wrote it.
    let document: JSONValue

    /// What the plugin reads from standard input (specification, section 3, "Deriving execution configuration").
    func request(
        _ network: Network, previous: JSONValue? = nil, capabilityArguments: JSONValue = .object([]),
        extra: [JSONValue.Member] = []
    ) -> JSONValue {
        var request = document
        request["name"] = .string(network.name)
        request["cniVersion"] = .string(network.cniVersion)
        if let previous { request["prevResult"] = previous }
        let wanted = (capabilityArguments.members ?? []).filter { capabilities.contains($0.key) }
        if !wanted.isEmpty { request["runtimeConfig"] = .object(wanted) }
        for member in extra { request[member.key] = member.value }
        return request
    }
}
