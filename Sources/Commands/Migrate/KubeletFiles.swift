internal import Linux

/// All files of the node that say how the kubelet is started and where it finds its runtime.
struct KubeletFiles {
    static let unitName = "kubelet.service"
    private static let usual = ["/var/lib/kubelet/kubeadm-flags.env", "/etc/default/kubelet", "/etc/sysconfig/kubelet"]

    /// Unit files, drop-ins and environment files, each once: where flags are.
    let flagFiles: [NodeFile]
    /// Where those of them are that the unit reads as environment.
    let environmentPaths: [String]
    /// The kubelet's configuration files that there are; the first is the one that `--config` names.
    let configurations: [NodeFile]
    /// The program, as the unit names it.
    let program: String

    init(_ node: Node) throws {
        guard let unit = try Unit(Self.unitName, on: node) else {
            throw MigrationError("there is no \(Self.unitName): how the kubelet runs here is not known")
        }
        environmentPaths = try unit.environmentFiles.compactMap { try node.file($0)?.path }
        let environments = try Set(unit.environmentFiles + Self.usual).sorted().compactMap { try node.file($0) }
        flagFiles = unit.files + environments
        guard let command = try unit.command(on: node), let program = command.first else {
            throw MigrationError("\(Self.unitName) has no ExecStart=")
        }
        self.program = program
        let arguments = FlagText(Array(flagFiles.map(\.text).joined(separator: "\n").utf8))
        let named = arguments.occurrences(of: ["config"]).last?.value ?? "/var/lib/kubelet/config.yaml"
        let directory = arguments.occurrences(of: ["config-dir"]).last?.value
        let additions = directory.map { directory in
            node.names(directory).filter { $0.hasSuffix(".conf") }.map { "\(directory)/\($0)" }
        }
        // kubeadm keeps in instance-config.yaml what it puts into config.yaml at the next upgrade.
        let paths = [named, "/var/lib/kubelet/instance-config.yaml"] + (additions ?? [])
        configurations = try paths.compactMap(node.file)
    }

    /// The values that a flag has, in the order of the files.
    func values(_ flag: String) -> [String] {
        flagFiles.flatMap { FlagText($0.bytes).occurrences(of: [flag]).map(\.value) }
    }

    /// The last value of a flag.
    func value(_ flag: String) -> String? { values(flag).last }

    /// Every runtime that flags and configurations name.
    func endpoints() throws -> [String] {
        let configured = try configurations.compactMap { try YAMLText($0).value("containerRuntimeEndpoint") }
        return (values("container-runtime-endpoint") + configured).filter { !$0.isEmpty }
    }
}

/// A kubelet's version, as far as what it takes depends on it.
struct KubeletVersion: Equatable {
    var minor: Int

    /// Reads `Kubernetes v1.23.17` and `1.23`.
    init?(_ text: String) {
        let number = text.drop { !$0.isNumber }.split(separator: ".")
        guard number.count >= 2, number[0] == "1", let minor = Int(number[1].prefix { $0.isNumber }) else { return nil }
        self.minor = minor
    }

    /// Up to 1.23 there is a dockershim inside, which runs unless the kubelet is told of a remote runtime.
    var hasDockershim: Bool { minor < 24 }
    /// Since 1.27 the configuration file may name the runtime.
    var configuresEndpoint: Bool { minor >= 27 }
    /// Since 1.35 the flag is gone; until then it spares the image from being removed.
    var hasInfraImage: Bool { minor < 35 }
}
