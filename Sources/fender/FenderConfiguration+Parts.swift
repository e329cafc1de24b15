internal import CNI
internal import Configuration
internal import DockerRuntime
internal import Logging
internal import Streaming
internal import Telemetry

/// The settings as the parts of the daemon take them.
extension FenderConfiguration {
    /// The CNI client of pods on Docker, whose cache is the one that dockershim and cri-dockerd had.
    func podNetwork(observer: @escaping @Sendable (PluginRun) -> Void) throws -> PodNetwork {
        try podNetwork(cache: cniCacheDirectory, journal: "\(rootDirectory)/cni", observer)
    }

    /// That of native pods. What stands in its files is its own: what no pod there knows of is to be undone.
    func nativeNetwork(observer: @escaping @Sendable (PluginRun) -> Void) throws -> PodNetwork {
        try podNetwork(
            cache: "\(rootDirectory)/native/cni/cache", journal: "\(rootDirectory)/native/cni/journal", observer)
    }

    private func podNetwork(
        cache: String, journal: String, _ observer: @escaping @Sendable (PluginRun) -> Void
    ) throws -> PodNetwork {
        var settings = PodNetwork.Settings()
        settings.configurationDirectory = cniConfDirectory
        settings.pluginDirectories = cniBinDirectories
        settings.cacheDirectory = cache
        settings.journalDirectory = journal
        settings.observer = observer
        if networkPlugin == .builtin {
            settings.substitute = try builtInNetwork()
            settings.pluginDirectories.append(try Installation.directory(of: Self.bridgePlugin))
        }
        let network = PodNetwork(settings: settings, logger: Logger(label: "cni"))
        network.podCIDRs = podCIDRs
        return network
    }

    private static let bridgePlugin = "fender-bridge"

    /// The network of a machine where none is configured. Both back ends give out of the same addresses.
    private func builtInNetwork() throws -> Network {
        try Network(
            list: """
                {"cniVersion": "1.0.0", "name": "fender-builtin", "plugins": [{
                  "type": "\(Self.bridgePlugin)", "bridge": "fender-pods", "dataDir": "\(rootDirectory)/network",
                  "ranges": ["10.84.0.0/16", "fd5a:3c1e:90b8::/64"],
                  "capabilities": {"portMappings": true, "ipRanges": true}}]}
                """)
    }

    var dockerSettings: DockerSettings {
        var settings = DockerSettings()
        settings.rootDirectory = rootDirectory
        settings.stateDirectory = stateDirectory
        settings.adoptedRoots = adoptRootDirectories.filter { $0 != rootDirectory }
        settings.infraImage = podInfraContainerImage.isEmpty ? nil : podInfraContainerImage
        settings.network = networkPlugin == .none ? .bridge : .cni
        settings.logs = containerLogs == .cri ? .cri : .symlink
        settings.sourceLogBytes = dockerLogMaxSize
        settings.sourceLogFiles = dockerLogMaxFiles
        settings.pullProgressDeadline = imagePullProgressDeadline
        settings.dualStack = ipv6DualStack
        return settings
    }

    /// Where our own numbers are served; nil for nowhere.
    var scrapeAddress: ScrapeServer.Address? {
        switch metricsBindAddress {
        case .tcp(let address): .tcp(host: address.host, port: address.port)
        case .unix(let path): .unix(path: path, mode: socketMode)
        case nil: nil
        }
    }

    var streaming: StreamingServer.Configuration {
        var configuration = StreamingServer.Configuration()
        configuration.host = streamingBindAddress.host
        configuration.port = streamingBindAddress.port
        configuration.baseURL = streamingBaseURL.isEmpty ? nil : streamingBaseURL
        configuration.idleLimit = streamingIdleTimeout
        configuration.creationLimit = streamingCreationTimeout
        configuration.connectionLimit = streamingMaxConnections
        if !streamingTLSCert.isEmpty {
            configuration.tls = StreamingServer.TLSFiles(
                certificate: streamingTLSCert, key: streamingTLSKey,
                clientAuthorities: streamingTLSClientCA.isEmpty ? nil : streamingTLSClientCA)
        }
        return configuration
    }
}
