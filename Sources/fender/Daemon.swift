internal import CNI
internal import CRIService
internal import Configuration
internal import Glibc
internal import Linux
internal import Logging
internal import RPC
internal import Runtime
internal import ServiceLifecycle
internal import Streaming
internal import UnixSignals

/// The parts of the running daemon and how they hang together.
struct Daemon {
    let loaded: LoadedConfiguration
    let systemd: Systemd
    let output: LogOutput
    /// Reads the settings again as at the start.
    let reread: @Sendable () throws -> LoadedConfiguration

    /// Serves until SIGTERM or SIGINT.
    func run() async throws {
        // A peer that is gone is an error of the call, not the end of the daemon.
        signal(SIGPIPE, SIG_IGN)
        // Until someone listens for it, a request to read the settings again must not kill.
        signal(SIGHUP, SIG_IGN)
        let log = Logger(label: "fender")
        log.info("starting", metadata: ["version": "\(BuildInformation.line)"])
        for warning in loaded.warnings { log.warning("\(warning)") }

        let values = loaded.values
        let telemetry = DaemonTelemetry()
        let hooks = values.pluginHooks(telemetry)
        let runtime = try values.backEnd(loaded.backEnd, hooks, telemetry, log)
        let streaming = StreamingServer(
            configuration: values.streaming, runtime: runtime, logger: Logger(label: "streaming"))
        let rpc = try RPCService(
            endpoint: endpoint(values), world: runtime.world,
            methods: CRIService(runtime: runtime, streaming: streaming).methods(),
            streaming: streaming, systemd: systemd, observer: telemetry.called)
        let manager = ManagerService(
            systemd: systemd, output: output, started: loaded, reread: reread,
            apply: { streaming.changeLimits(to: $0.streaming) }, log: Logger(label: "systemd"))
        // Services stop in reverse: the manager hears of it first, then calls end, then Docker is let go.
        var services: [any Service] = [
            RuntimeService(runtime: runtime), StreamingService(server: streaming), rpc, manager,
        ]
        if let hooks { services.insert(PluginService(hooks: hooks), at: 0) }
        if let address = values.scrapeAddress { services.insert(ScrapeService(telemetry, at: address), at: 0) }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services.map { .init(service: $0) },
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: Logger(label: "lifecycle")))
        try await group.run()
        log.info("stopped")
    }

    private func endpoint(_ values: FenderConfiguration) throws -> Server.Endpoint {
        switch values.containerRuntimeEndpoint {
        case .path(let path):
            let directory = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
            try Files.makeDirectories("/" + directory.dropFirst().joined(separator: "/"))
            return .path(path, mode: values.socketMode, group: values.socketGroup)
        case .inherited(let name): return .inherited(try systemd.listener(name).release())
        }
    }
}
