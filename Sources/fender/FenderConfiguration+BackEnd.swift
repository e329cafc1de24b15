internal import BackEnd
internal import Commands
internal import Configuration
internal import DockerEngine
public import DockerRuntime
internal import Glibc
internal import Linux
internal import Logging
internal import NRI
public import MixedRuntime
public import NativeRuntime
internal import Runtime
internal import Streaming

/// What the daemon serves.
typealias PodRuntime = ContainerRuntime & StreamingRuntime

extension FenderConfiguration {
    /// The back end that was chosen, or both of them.
    func backEnd(
        _ choice: BackEndChoice, _ hooks: PluginHooks?, _ telemetry: DaemonTelemetry, _ log: Logger
    ) throws -> any PodRuntime {
        let world = World()
        telemetry.readWorld(world)
        switch choice {
        case .native:
            log.info("pods run without Docker")
            return try nativeRuntime(world, hooks, telemetry)
        case .docker where runtime == .docker || networkPlugin == .none:
            // Docker's own bridge is no network for others.
            return try dockerRuntime(world, hooks, telemetry)
        default:
            return try mixedRuntime(world, hooks, telemetry, log)
        }
    }

    /// Pods on Docker, and native ones where the machine and the installation allow.
    private func mixedRuntime(
        _ world: World, _ hooks: PluginHooks?, _ telemetry: DaemonTelemetry, _ log: Logger
    ) throws -> any PodRuntime {
        let docker = World(partOf: world)
        do {
            let native = try nativeRuntime(World(partOf: world), hooks, telemetry)
            let mixed = MixedRuntime(
                world: world, docker: try dockerRuntime(docker, hooks, telemetry), native: native,
                defaultPart: defaultBackEnd == .native ? .native : .docker)
            hooks?.attach(mixed)
            return mixed
        } catch {
            guard defaultBackEnd == .docker else { throw error }
            log.warning("pods run on Docker only", metadata: ["error": "\(error)"])
            return try dockerRuntime(world, hooks, telemetry)
        }
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

    private func dockerRuntime(
        _ world: World, _ hooks: PluginHooks?, _ telemetry: DaemonTelemetry
    ) throws -> DockerRuntime {
        let engine = try DockerEngine(
            endpoint: engineEndpoint(), logger: Logger(label: "docker"), observer: telemetry.exchanged)
        let runtime = try DockerRuntime(
            world: world, engine: engine,
            network: networkPlugin == .none ? nil : try podNetwork(observer: telemetry.pluginRan),
            settings: dockerSettings, hooks: hooks, logger: Logger(label: "runtime"))
        telemetry.read(runtime)
        return runtime
    }

    private func nativeRuntime(
        _ world: World, _ hooks: PluginHooks?, _ telemetry: DaemonTelemetry
    ) throws -> NativeRuntime {
        var settings = NativeSettings()
        settings.rootDirectory = rootDirectory
        settings.stateDirectory = stateDirectory
        settings.registryDirectory = registryDirectory
        settings.handlers = Dictionary(runtimeHandlers.map { ($0.name, $0.path) }) { $1 }
        settings.usesSystemdCgroups = usesSystemdCgroups
        settings.monitor = "\(try Installation.directory(of: "fender-monitor"))/fender-monitor"
        return try NativeRuntime(
            world: world, network: try nativeNetwork(observer: telemetry.pluginRan), settings: settings, hooks: hooks,
            logger: Logger(label: "native"))
    }
}

extension DockerRuntime: DockerPart {}
extension NativeRuntime: NativePart {}

/// Where the programs are that the daemon runs.
enum Installation {
    /// They stand beside us, or where packages put them. Throws ``StartError`` when one is in neither place.
    static func directory(of program: String) throws -> String {
        let own = try Files.linkTarget("/proc/self/exe")
        let places = [String(own[..<(own.lastIndex(of: "/") ?? own.startIndex)]), "/usr/libexec/fender"]
        guard let found = places.first(where: { Files.exists("\($0)/\(program)") }) else {
            throw StartError("\(program) is neither beside fender nor in /usr/libexec/fender")
        }
        return found
    }
}

/// Why the daemon cannot start.
struct StartError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
