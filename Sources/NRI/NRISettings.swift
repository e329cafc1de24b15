/// How plugins are found and how long they may take.
public struct NRISettings: Sendable {
    /// Where plugins connect to; nil when only pre-installed ones are wanted.
    public var socket: String? = "/var/run/nri/nri.sock"
    /// Where pre-installed plugins are, named `NN-NAME`.
    public var pluginDirectory = "/opt/nri/plugins"
    /// Where their configuration is, in `NN-NAME.conf` or `NAME.conf`.
    public var configurationDirectory = "/etc/nri/conf.d"
    /// How long a plugin may take to register, and to take in what exists.
    public var registrationLimit = Duration.seconds(5)
    /// How long a plugin may take for anything else.
    public var requestLimit = Duration.seconds(2)
    /// What plugins are told we are.
    public var runtimeName = "fender"
    /// And in which version.
    public var runtimeVersion = "unknown"
    /// Told of every call to a plugin.
    public var observer: @Sendable (PluginCall) -> Void = { _ in }

    /// The defaults, which are those of containerd.
    public init() {}
}

/// A call to a plugin that has ended.
public struct PluginCall: Sendable {
    /// The method of the plugin's service.
    public var method: String
    /// How long it took.
    public var duration: Duration
    /// Whether the plugin refused, or did not answer.
    public var failed: Bool
}

/// What plugins reach through us: the pods and containers of a back end.
public protocol NRIRuntime: Sendable {
    /// Every pod and container that exists now.
    func inventory() async -> (pods: [NRIPodSandbox], containers: [NRIContainer])
    /// Changes containers; answers those that could not be changed.
    func update(_ updates: [NRIContainerUpdate]) async -> [NRIContainerUpdate]
    /// Begins to stop containers that plugins want gone; does not wait.
    func evict(_ evictions: [NRIContainerEviction]) async
}

/// Why a call could not be done: a plugin refused it, or plugins contradict each other.
public struct NRIError: Error, Sendable, CustomStringConvertible {
    /// "plugin NAME: reason".
    public let description: String
}
