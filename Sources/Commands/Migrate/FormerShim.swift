internal import Configuration

/// What has run the node's pods on Docker so far, and with which settings.
struct FormerShim: Equatable {
    enum Kind: String, Codable {
        case dockershim
        case criDockerd = "cri-dockerd"
    }

    var kind: Kind
    /// Its units; none for dockershim, which is part of the kubelet.
    var units: [String] = []
    /// Where it keeps its checkpoints.
    var rootDirectory: String
    /// What the kubelet was told, for the annotation of the node.
    var endpoint: String
    /// Its settings that are Fender's, too: option and value.
    var settings: [Setting] = []

    /// Flags that it had and that do nothing in Fender.
    var remarks: [String] = []

    struct Setting: Equatable {
        var option: String
        var text: String
    }

    /// Flags that only the kubelet's dockershim had, by the option of Fender that they become; nil is none.
    static let dockershimFlags: [String: String?] = [
        "docker-endpoint": "docker-endpoint", "network-plugin": "network-plugin", "cni-conf-dir": "cni-conf-dir",
        "cni-bin-dir": "cni-bin-dir", "cni-cache-dir": "cni-cache-dir",
        "image-pull-progress-deadline": "image-pull-progress-deadline", "network-plugin-mtu": nil,
        "experimental-dockershim-root-directory": nil, "non-masquerade-cidr": nil,
    ]

    /// The sockets of cri-dockerd by its defaults, new and old.
    private static let criDockerdSockets = ["/run/cri-dockerd.sock", "/run/cri-docker.sock"]

    /// Finds out who serves the kubelet. Throws ``MigrationError`` where that is none of the two.
    init(_ kubelet: KubeletFiles, version: KubeletVersion, on node: Node, ours: String) throws {
        let shim = try CRIDockerd(on: node)
        let foreign = try kubelet.endpoints().filter { Self.path($0) != Self.path(ours) }
        let sockets = Self.criDockerdSockets + (shim?.sockets ?? []).map(Self.path)
        if let endpoint = foreign.last(where: { sockets.contains(Self.path($0)) }) {
            guard let shim else {
                throw MigrationError(
                    "the kubelet talks to \(endpoint), but there is no \(CRIDockerd.service): "
                        + "stop what serves it and change the kubelet's endpoint by hand (docs/migrate.md)")
            }
            self = try shim.former(endpoint)
        } else if let other = foreign.last(where: { Self.path($0) != "/run/dockershim.sock" }) {
            throw MigrationError(
                "the kubelet talks to \(other): its pods are not on Docker and cannot be taken over. "
                    + "Drain the node and point the kubelet at Fender (docs/kubeadm.md)")
        } else if Self.isDockershim(kubelet, version, foreign) {
            self = try Self.dockershim(kubelet)
        } else {
            throw MigrationError("the kubelet names no runtime, and its version 1.\(version.minor) has none inside")
        }
        guard foreign.allSatisfy({ Self.path($0) == Self.path(endpoint) }) else {
            throw MigrationError("the kubelet's files name several runtimes: \(foreign.joined(separator: ", "))")
        }
    }

    private static func isDockershim(_ kubelet: KubeletFiles, _ version: KubeletVersion, _ foreign: [String]) -> Bool {
        if kubelet.value("container-runtime") == "remote" && foreign.isEmpty { return false }
        return version.hasDockershim || !foreign.isEmpty || kubelet.value("container-runtime") == "docker"
            || dockershimFlags.keys.contains { kubelet.value($0) != nil }
    }

    private static func dockershim(_ kubelet: KubeletFiles) throws -> FormerShim {
        let root = kubelet.value("experimental-dockershim-root-directory") ?? "/var/lib/dockershim"
        var shim = FormerShim(kind: .dockershim, rootDirectory: root, endpoint: "/var/run/dockershim.sock")
        // Without the flag dockershim left pods to Docker's bridge.
        var arguments = ["--network-plugin=\(kubelet.value("network-plugin") ?? "")"]
        for (flag, option) in dockershimFlags.sorted(by: { $0.key < $1.key }) where flag != "network-plugin" {
            if let option, let value = kubelet.value(flag) { arguments.append("--\(option)=\(value)") }
        }
        if let image = kubelet.value("pod-infra-container-image") {
            arguments.append("--pod-infra-container-image=\(image)")
        }
        (shim.settings, shim.remarks) = try Self.settings(arguments, from: "the kubelet's flags")
        return shim
    }

    private init(kind: Kind, rootDirectory: String, endpoint: String) {
        (self.kind, self.rootDirectory, self.endpoint) = (kind, rootDirectory, endpoint)
    }

    /// cri-dockerd with its flags as they are in its unit.
    init(criDockerd flags: [String], units: [String], endpoint: String) throws {
        self.init(kind: .criDockerd, rootDirectory: "/var/lib/cri-dockerd", endpoint: endpoint)
        self.units = units
        (settings, remarks) = try Self.settings(flags, from: CRIDockerd.service)
        if let root = settings.first(where: { $0.option == "root-directory" }) { rootDirectory = root.text }
        // Fender has a place and a socket of its own.
        settings.removeAll { ["root-directory", "container-runtime-endpoint"].contains($0.option) }
    }

    /// What Fender has of these flags. Throws ``MigrationError`` for those that it cannot take.
    private static func settings(_ arguments: [String], from origin: String) throws -> ([Setting], [String]) {
        let given: [(option: ConfigurationOption, text: String)]
        let warnings: [String]
        do {
            let flags = try CommandLineFlags(arguments)
            // Their values are looked at only here.
            warnings = try LoadedConfiguration(flags: flags, document: [], path: "").warnings
            given = flags.given
        } catch let error as ConfigurationError {
            throw MigrationError("\(origin): \(error)")
        }
        var settings: [Setting] = []
        for (option, text) in given where option.ignored == nil {
            settings.removeAll { $0.option == option.name }
            settings.append(Setting(option: option.name, text: text))
        }
        return (settings, warnings)
    }

    /// A socket's path, however an endpoint is written; /var/run is a link to /run.
    static func path(_ endpoint: String) -> String {
        var path = endpoint
        for prefix in ["unix://", "unix:"] where path.hasPrefix(prefix) { path = String(path.dropFirst(prefix.count)) }
        return path.hasPrefix("/var/run/") ? String(path.dropFirst("/var".count)) : path
    }
}

/// cri-dockerd's units.
struct CRIDockerd {
    static let service = "cri-docker.service"
    static let socket = "cri-docker.socket"

    private let units: [String]
    private let flags: [String]
    /// Where its socket unit and its own flag put the socket.
    let sockets: [String]

    /// nil when the node has no such service.
    init?(on node: Node) throws {
        guard let service = try Unit(Self.service, on: node) else { return nil }
        guard let command = try service.command(on: node), !command.isEmpty else {
            throw MigrationError("\(Self.service) has no ExecStart=")
        }
        flags = Array(command.dropFirst())
        let socket = try Unit(Self.socket, on: node)
        units = [Self.service] + (socket == nil ? [] : [Self.socket])
        let listens = socket?.values("ListenStream", in: "Socket") ?? []
        let own = FlagText(Array(flags.joined(separator: "\n").utf8)).occurrences(of: ["container-runtime-endpoint"])
        sockets = listens.map(Self.withRuntimeDirectory) + own.map(\.value).filter { !$0.hasPrefix("fd://") }
    }

    func former(_ endpoint: String) throws -> FormerShim {
        try FormerShim(criDockerd: flags, units: units, endpoint: endpoint)
    }

    /// `%t` is /run (systemd.unit(5), "Specifiers").
    static func withRuntimeDirectory(_ path: String) -> String {
        path.hasPrefix("%t") ? "/run" + path.dropFirst(2) : path
    }
}
