internal import Configuration
internal import Glibc
internal import Linux
internal import Logging
internal import ServiceLifecycle
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

        // Services stop in reverse: the manager hears of it first.
        let manager = ManagerService(
            systemd: systemd, output: output, started: loaded, reread: reread, log: Logger(label: "systemd"))
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: manager)],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: Logger(label: "lifecycle")))
        try systemd.notify(.ready)
        try await group.run()
        log.info("stopped")
    }
}
