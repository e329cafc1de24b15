internal import BackEnd
internal import Commands
internal import Configuration
internal import DockerEngine
internal import DockerRuntime
internal import Glibc
internal import Linux
internal import Logging
internal import NRI
internal import NativeRuntime
internal import Runtime
internal import Streaming

/// What the daemon serves.
typealias PodRuntime = ContainerRuntime & StreamingRuntime

extension FenderConfiguration {
    /// The back end that was chosen.
    func backEnd(
        _ choice: BackEndChoice, _ hooks: PluginHooks?, _ telemetry: DaemonTelemetry, _ log: Logger
    ) throws -> any PodRuntime {
        guard choice == .native else { return try dockerRuntime(hooks, telemetry) }
        log.info("pods run without Docker")
        return try nativeRuntime(hooks, telemetry)
    }

    /// Where plugins are heard; nil when they are not wanted.
    func pluginHooks(_ telemetry: DaemonTelemetry) -> PluginHooks? {
        guard nri else { return nil }
        var settings = NRISettings()
        settings.socket = nriDisableConnections ? nil : nriSocket
        settings.pluginDirectory = nriPluginDirectory
        settings.configurationDirectory = nriPluginConfigDirectory
        settings.registrationLimit = nriRegistrationTimeout
        settings.requestLimit = nriRequestTimeout
        settings.runtimeVersion = BuildInformation.version
        settings.observer = telemetry.askedPlugin
        let hooks = PluginHooks(settings: settings, logger: Logger(label: "nri"))
        telemetry.read(hooks)
        return hooks
    }

    private func dockerRuntime(_ hooks: PluginHooks?, _ telemetry: DaemonTelemetry) throws -> DockerRuntime {
        let engine = try DockerEngine(
            endpoint: engineEndpoint(), logger: Logger(label: "docker"), observer: telemetry.exchanged)
        let runtime = try DockerRuntime(
            engine: engine, network: networkPlugin == .cni ? podNetwork(observer: telemetry.pluginRan) : nil,
            settings: dockerSettings, hooks: hooks, logger: Logger(label: "runtime"))
        telemetry.read(runtime)
        return runtime
    }

    private func nativeRuntime(_ hooks: PluginHooks?, _ telemetry: DaemonTelemetry) throws -> NativeRuntime {
        var settings = NativeSettings()
        settings.rootDirectory = rootDirectory
        settings.stateDirectory = stateDirectory
        settings.registryDirectory = registryDirectory
        settings.monitor = try Self.monitor()
        let runtime = try NativeRuntime(
            network: podNetwork(observer: telemetry.pluginRan), settings: settings, hooks: hooks,
            logger: Logger(label: "runtime"))
        telemetry.readWorld(runtime.world)
        return runtime
    }

    /// fender-monitor stands beside us, or where packages put it.
    private static func monitor() throws -> String {
        let own = try Files.linkTarget("/proc/self/exe")
        let directory = own[..<(own.lastIndex(of: "/") ?? own.startIndex)]
        let places = ["\(directory)/fender-monitor", "/usr/libexec/fender/fender-monitor"]
        guard let found = places.first(where: Files.exists) else {
            throw StartError("fender-monitor is neither beside fender nor in /usr/libexec/fender")
        }
        return found
    }
}

/// Why the daemon cannot start.
struct StartError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
