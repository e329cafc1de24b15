internal import Commands
internal import Configuration
internal import DockerEngine
internal import DockerRuntime
internal import Glibc
internal import Linux
internal import Logging
internal import NativeRuntime
internal import Runtime
internal import Streaming

/// What the daemon serves.
typealias BackEnd = ContainerRuntime & StreamingRuntime

extension FenderConfiguration {
    /// The back end that was chosen.
    func backEnd(_ choice: BackEndChoice, _ telemetry: DaemonTelemetry, _ log: Logger) throws -> any BackEnd {
        guard choice == .native else { return try dockerRuntime(telemetry) }
        log.info("pods run without Docker")
        return try nativeRuntime(telemetry)
    }

    private func dockerRuntime(_ telemetry: DaemonTelemetry) throws -> DockerRuntime {
        let engine = try DockerEngine(
            endpoint: engineEndpoint(), logger: Logger(label: "docker"), observer: telemetry.exchanged)
        let runtime = try DockerRuntime(
            engine: engine, network: networkPlugin == .cni ? podNetwork(observer: telemetry.pluginRan) : nil,
            settings: dockerSettings, logger: Logger(label: "runtime"))
        telemetry.read(runtime)
        return runtime
    }

    private func nativeRuntime(_ telemetry: DaemonTelemetry) throws -> NativeRuntime {
        var settings = NativeSettings()
        settings.rootDirectory = rootDirectory
        settings.stateDirectory = stateDirectory
        settings.registryDirectory = registryDirectory
        settings.monitor = try Self.monitor()
        let runtime = try NativeRuntime(
            network: podNetwork(observer: telemetry.pluginRan), settings: settings, logger: Logger(label: "runtime"))
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
