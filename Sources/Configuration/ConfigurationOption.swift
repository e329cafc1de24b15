internal import TOML

/// One setting: its names and help for flags, file, environment and documentation, and how it is read.
public struct ConfigurationOption: Sendable {
    /// The flag without its dashes; the other names follow from it.
    public let name: String
    /// Further flags that mean the same.
    public let aliases: [String]
    /// What help shows in the value's place; empty for a flag that needs no value.
    public let placeholder: String
    /// The heading it stands under in help and documentation.
    public let section: Section
    /// One or two sentences.
    public let help: String
    /// Why it does nothing here, for an option that cri-dockerd's users have; nil when it works.
    public let ignored: String?
    /// Whether a running daemon takes on another value at SIGHUP, without a restart.
    public let isLive: Bool
    let kinds: [TOMLKind]
    let assign: @Sendable (String, inout FenderConfiguration) throws -> Void
    let show: @Sendable (FenderConfiguration) -> String

    /// Headings, in their order.
    public enum Section: String, Sendable, CaseIterable {
        /// How the kubelet reaches us.
        case cri = "CRI socket"
        /// Exec, attach and port-forward connections.
        case streaming = "Streaming"
        /// How we reach Docker.
        case docker = "Docker"
        /// The pods' network.
        case network = "Pod network"
        /// Containers and their logs.
        case containers = "Containers"
        /// Plugins of the Node Resource Interface.
        case nri = "NRI plugins"
        /// Directories.
        case files = "Files"
        /// Our own log and numbers.
        case log = "Log and metrics"
    }

    init<Value: Sendable>(
        _ name: String, alias: String? = nil, _ section: Section, _ type: OptionType<Value>,
        _ field: any WritableKeyPath<FenderConfiguration, Value> & Sendable, ignored: String? = nil,
        isLive: Bool = false,
        _ help: String
    ) {
        self.name = name
        self.aliases = alias.map { [$0] } ?? []
        self.placeholder = type.placeholder
        self.section = section
        self.isLive = isLive
        self.help = isLive ? "\(help) SIGHUP reads it again." : help
        self.ignored = ignored
        self.kinds = type.kinds
        self.assign = { text, configuration in configuration[keyPath: field] = try type.parse(text) }
        self.show = { type.show($0[keyPath: field]) }
    }

    /// The flag as it is typed.
    public var flag: String { "--" + name }

    /// The key in the TOML file; nil for the file's own path.
    public var key: String? { name == "config" ? nil : name.map { $0 == "-" ? "_" : String($0) }.joined() }

    /// The environment variable.
    public var environment: String { "FENDER_" + name.map { $0 == "-" ? "_" : $0.uppercased() }.joined() }

    /// The default as a flag's value would be written.
    public var defaultText: String { show(FenderConfiguration()) }

    /// Whether a flag without a value is true.
    var isBoolean: Bool { kinds == [.boolean] }
}
