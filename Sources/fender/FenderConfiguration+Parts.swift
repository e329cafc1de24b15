internal import CNI
internal import Configuration
internal import DockerRuntime
internal import Logging
internal import Streaming
internal import Telemetry

/// The settings as the parts of the daemon take them.
extension FenderConfiguration {
    /// The CNI client of pods on Docker, whose cache is the one that dockershim and cri-dockerd had.
    func podNetwork(observer: @escaping @Sendable (PluginRun) -> Void) -> PodNetwork {
        podNetwork(cache: cniCacheDirectory, journal: "\(rootDirectory)/cni", observer)
    }

    /// That of native pods. What stands in its files is its own: what no pod there knows of is to be undone.
    func nativeNetwork(observer: @escaping @Sendable (PluginRun) -> Void) -> PodNetwork {
        podNetwork(
            cache: "\(rootDirectory)/native/cni/cache", journal: "\(rootDirectory)/native/cni/journal", observer)
    }

    private func podNetwork(
        cache: String, journal: String, _ observer: @escaping @Sendable (PluginRun) -> Void
    ) -> PodNetwork {
        var settings = PodNetwork.Settings()
        settings.configurationDirectory = cniConfDirectory
        settings.pluginDirectories = cniBinDirectories
        settings.cacheDirectory = cache
        settings.journalDirectory = journal
        settings.observer = observer
        let network = PodNetwork(settings: settings, logger: Logger(label: "cni"))
        network.podCIDRs = podCIDRs
        return network
    }

    var dockerSettings: DockerSettings {
        var settings = DockerSettings()
        settings.rootDirectory = rootDirectory
        settings.stateDirectory = stateDirectory
        settings.adoptedRoots = adoptRootDirectories.filter { $0 != rootDirectory }
        settings.infraImage = podInfraContainerImage.isEmpty ? nil : podInfraContainerImage
        settings.network = networkPlugin == .cni ? .cni : .bridge
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
