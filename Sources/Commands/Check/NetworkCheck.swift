internal import CNI
internal import Configuration
internal import Linux

/// Whether pods can be given a network.
struct NetworkCheck {
    private let node: Node
    private let area = "network"

    init(_ node: Node) { self.node = node }

    var findings: [Finding] {
        guard node.settings.networkPlugin != .none else { return [.pass(area, "Docker's own, no CNI")] }
        let directory = node.settings.cniConfDirectory
        let snapshot = NetworkSnapshot.load(node.root + directory)
        var found = snapshot.rejected.sorted { $0.key < $1.key }.map { name, why in
            Finding.warn(area, "\(name): \(why)", "It is passed over: mend or remove it.")
        }
        guard let network = snapshot.network else {
            if node.settings.networkPlugin == .builtin { return [.pass(area, "Fender's own bridge, no CNI")] }
            return found + [
                .fail(
                    area, "no CNI configuration in \(directory)",
                    "Install a network, or take network/10-fender.conflist.")
            ]
        }
        found.append(.pass(area, "CNI network \(network.name), version \(network.cniVersion)"))
        return found + plugins(network) + others(directory, network)
    }

    private func plugins(_ network: Network) -> [Finding] {
        let directories = node.settings.cniBinDirectories
        let missing = Set(network.pluginTypes).filter { type in !directories.contains { node.exists("\($0)/\(type)") } }
        guard missing.isEmpty else {
            return missing.sorted().map {
                .fail(
                    area, "no plugin \($0) in \(directories.joined(separator: ", "))",
                    "Install it (containernetworking-plugins), or set cni-bin-dir.")
            }
        }
        var found = [Finding.pass(area, "plugins \(network.pluginTypes.joined(separator: ", "))")]
        if network.pluginTypes.contains("portmap"), node.program("iptables") == nil, node.program("nft") == nil {
            found.append(.fail(area, "neither iptables nor nft", "portmap needs one of them for host ports."))
        }
        return found
    }

    private func others(_ directory: String, _ network: Network) -> [Finding] {
        let files = node.names(directory).filter(NetworkSnapshot.isConfiguration)
        guard files.count > 1 else { return [] }
        let chosen = network.path.split(separator: "/").last ?? ""
        return [
            .warn(
                area, "\(files.count) configurations in \(directory); \(chosen) is used",
                "The first by name counts: remove what another network has left.")
        ]
    }
}
