public import Logging

/// What the daemon was told: the outcome of flags, file and environment, each value checked.
///
/// The initial values here are the defaults. ``ConfigurationOption/all`` names each field once for
/// flags, file, environment and documentation.
public struct FenderConfiguration: Sendable, Equatable {
    // The CRI socket.

    /// Where the kubelet finds us.
    public var containerRuntimeEndpoint = CRIEndpoint.path("/run/fender/fender.sock")
    /// Permission bits of the CRI socket; no effect on one that systemd made.
    public var socketMode: UInt32 = 0o660
    /// Number of the group that owns the CRI socket; nil leaves the daemon's own group.
    public var socketGroup: UInt32?

    // What runs the pods.

    /// Docker, or Fender itself.
    public var runtime = BackEndChoice.auto
    /// Where pods go that name no runtime handler, when both are there.
    public var defaultBackEnd = DefaultBackEnd.docker
    /// Who manages the cgroups of pods without Docker.
    public var cgroupDriver = CgroupDriverChoice.auto
    /// Directory with a directory of each registry's settings, in the form of containerd's hosts.toml.
    public var registryDirectory = "/etc/fender/certs.d"
    /// `runtime-handlers`.
    public var runtimeHandlers: [RuntimeHandlerProgram] = []

    // Docker.

    /// Where the Docker Engine API answers.
    public var dockerEndpoint = DockerAddress.unix("/var/run/docker.sock")
    /// PEM file of the authorities that sign the Docker daemon's certificate; empty means no TLS or the system's.
    public var dockerTLSCA = ""
    /// PEM file of our certificate toward Docker; empty for none.
    public var dockerTLSCert = ""
    /// PEM file of the certificate's key; empty for none.
    public var dockerTLSKey = ""
    /// Time a Docker call that neither pulls, follows nor waits may take.
    public var runtimeRequestTimeout = Duration.seconds(119)
    /// A pull that makes no progress for this long is cancelled; zero never cancels one.
    public var imagePullProgressDeadline = Duration.seconds(60)
    /// Image of the pod's first container; empty means the built-in pause program.
    public var podInfraContainerImage = ""

    // Places on disk.

    /// What must outlive a reboot.
    public var rootDirectory = "/var/lib/fender"
    /// What dies with a reboot: journals, locks, namespaces.
    public var stateDirectory = "/run/fender"
    /// Root directories of earlier shims, read for the checkpoints of the pods they left.
    public var adoptRootDirectories = ["/var/lib/dockershim", "/var/lib/cri-dockerd"]

    // The pods' network.

    /// Who connects pods.
    public var networkPlugin = NetworkPlugin.cni
    /// Directory of the CNI network configurations.
    public var cniConfDirectory = "/etc/cni/net.d"
    /// Directories searched in order for CNI plugins.
    public var cniBinDirectories = ["/opt/cni/bin", "/usr/lib/cni"]
    /// Directory of cached CNI results, in the form libcni writes.
    public var cniCacheDirectory = "/var/lib/cni/cache"
    /// Pod address ranges to offer CNI plugins until the kubelet names them.
    public var podCIDRs: [String] = []
    /// Whether a pod's second address family is reported.
    public var ipv6DualStack = true
    /// Accepted for cri-dockerd's sake; without effect.
    public var networkPluginMTU = 0
    /// Accepted for cri-dockerd's sake; without effect.
    public var hairpinMode = HairpinMode.none

    // Containers.

    /// How container logs come to where the kubelet reads them.
    public var containerLogs = ContainerLogs.cri
    /// Size in bytes at which Docker rotates its own json-file log of a container.
    public var dockerLogMaxSize = 16 << 20
    /// Number of files Docker keeps of its own json-file log of a container.
    public var dockerLogMaxFiles = 3
    /// Accepted for cri-dockerd's sake; without effect.
    public var runtimeCgroups = ""

    // NRI plugins.

    /// Whether plugins of the Node Resource Interface hear of pods and containers, and may adjust them.
    public var nri = false
    /// The socket that plugins connect to.
    public var nriSocket = "/var/run/nri/nri.sock"
    /// Whether only pre-installed plugins are wanted.
    public var nriDisableConnections = false
    /// Directory of pre-installed plugins.
    public var nriPluginDirectory = "/opt/nri/plugins"
    /// Directory of their configurations.
    public var nriPluginConfigDirectory = "/etc/nri/conf.d"
    /// Time that a plugin has to register, and to take in what exists.
    public var nriRegistrationTimeout = Duration.seconds(5)
    /// Time that a plugin has for anything else.
    public var nriRequestTimeout = Duration.seconds(2)

    // Streaming.

    /// Where exec, attach and port-forward connections are served.
    public var streamingBindAddress = StreamingAddress(host: "127.0.0.1", port: 0)
    /// What streaming URLs begin with, without a slash at the end; empty for the address that is served.
    public var streamingBaseURL = ""
    /// PEM file of the certificate for streaming connections; empty for no TLS.
    public var streamingTLSCert = ""
    /// PEM file of that certificate's key.
    public var streamingTLSKey = ""
    /// PEM file of the authorities of which streaming clients need a certificate; empty to ask for none.
    public var streamingTLSClientCA = ""
    /// A streaming connection on which nothing moves for so long is closed; zero for never.
    public var streamingIdleTimeout = Duration.seconds(4 * 3600)
    /// Time a streaming client has for its request and for opening its streams.
    public var streamingCreationTimeout = Duration.seconds(30)
    /// The most streaming connections at a time.
    public var streamingMaxConnections = 1000

    // Ourselves.

    /// Where our own numbers are shown to Prometheus; nil for nowhere.
    public var metricsBindAddress: MetricsAddress?

    /// The file that settings were read from; there need be none at the default path.
    public var file = "/etc/fender/config.toml"
    /// The lowest level that is written.
    public var logLevel = Logger.Level.info
    /// The shape of a log line.
    public var logFormat = LogFormat.text

    /// Every default.
    public init() {}

    /// Certificates for a `tcp://` Docker endpoint; nil when it is spoken to in clear or over a Unix socket.
    public var dockerTLS: DockerTLS? {
        guard case .tcp(_, _, let tls) = dockerEndpoint else { return nil }
        guard tls || !dockerTLSCA.isEmpty || !dockerTLSCert.isEmpty else { return nil }
        return DockerTLS(ca: dockerTLSCA, certificate: dockerTLSCert, key: dockerTLSKey)
    }
}

/// Where the CRI is served.
public enum CRIEndpoint: Sendable, Equatable {
    /// A Unix socket at an absolute path that we make.
    case path(String)
    /// A socket passed by the service manager: its number or its name in LISTEN_FDNAMES; nil is the first.
    case inherited(String?)
}

/// Where the Docker Engine API answers.
public enum DockerAddress: Sendable, Equatable {
    /// A Unix socket's absolute path.
    case unix(String)
    /// A host and port; `tls` when the endpoint was written `https://`.
    case tcp(host: String, port: Int, tls: Bool)
}

/// PEM files for TLS toward Docker; an empty string means none was named.
public struct DockerTLS: Sendable, Equatable {
    /// Authorities to trust; empty for the system's.
    public var ca: String
    /// Our certificate.
    public var certificate: String
    /// Our certificate's key.
    public var key: String
}

/// Who connects pods to the network.
public enum NetworkPlugin: String, Sendable, CaseIterable {
    /// CNI plugins.
    case cni
    /// The same where a network is configured, else a bridge of Fender's own.
    case builtin
    /// Docker's default bridge, as cri-dockerd's no-op plugin.
    case none
}

/// How a bridge lets a pod reach itself; without effect with CNI, whose plugins have their own setting.
public enum HairpinMode: String, Sendable, CaseIterable {
    /// The bridge takes every frame.
    case promiscuousBridge = "promiscuous-bridge"
    /// The port sends frames back.
    case hairpinVeth = "hairpin-veth"
    /// Neither.
    case none
}

/// How container logs come to where the kubelet reads them.
public enum ContainerLogs: String, Sendable, CaseIterable {
    /// Written there in the CRI format.
    case cri
    /// A link there to Docker's json-file, as dockershim made.
    case symlink
}

/// The shape of our own log lines.
public enum LogFormat: String, Sendable, CaseIterable {
    /// `time=… level=… msg=… key=value`.
    case text
    /// One JSON object a line.
    case json
}

/// Where Prometheus finds our own numbers.
public enum MetricsAddress: Sendable, Equatable {
    /// A Unix socket at an absolute path.
    case unix(String)
    /// An address and port.
    case tcp(StreamingAddress)
}

/// An address to listen on; port 0 lets the kernel choose.
public struct StreamingAddress: Sendable, Equatable {
    /// An IPv4 or IPv6 address without brackets.
    public var host: String
    /// 0 to 65535.
    public var port: Int

    /// An address and port.
    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }
}
