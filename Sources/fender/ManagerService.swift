internal import Configuration
internal import Linux
internal import Logging
internal import ServiceLifecycle
internal import Synchronization
internal import UnixSignals

/// Answers the service manager: signs of life, the end, and SIGHUP, which reads the settings again.
final class ManagerService: Service, CustomStringConvertible {
    let description = "systemd"
    let systemd: Systemd
    let output: LogOutput
    /// What the daemon started with, which it still runs on but for what ``ConfigurationOption/isLive`` says.
    let started: LoadedConfiguration
    let reread: @Sendable () throws -> LoadedConfiguration
    /// Takes on the settings that need no restart.
    let apply: @Sendable (FenderConfiguration) -> Void
    let log: Logger
    /// What was read last.
    private let current: Mutex<LoadedConfiguration>

    init(
        systemd: Systemd, output: LogOutput, started: LoadedConfiguration,
        reread: @escaping @Sendable () throws -> LoadedConfiguration,
        apply: @escaping @Sendable (FenderConfiguration) -> Void, log: Logger
    ) {
        (self.systemd, self.output, self.started, self.log) = (systemd, output, started, log)
        (self.reread, self.apply) = (reread, apply)
        current = Mutex(started)
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup { group in
                group.addTask { await self.reloadOnHangup() }
                if let period = self.systemd.watchdog {
                    // sd_watchdog_enabled(3) asks for half the period.
                    group.addTask { await self.giveSignsOfLife(every: period / 2) }
                }
            }
        }
        tell(.stopping)
    }

    private func giveSignsOfLife(every period: Duration) async {
        while !Task.isCancelled {
            tell(.watchdog)
            try? await Task.sleep(for: period)
        }
    }

    private func reloadOnHangup() async {
        for await _ in await UnixSignalsSequence(trapping: .sighup) {
            tell(.reloading)
            reload()
            tell(.ready)
        }
    }

    private func reload() {
        let fresh: LoadedConfiguration
        do {
            fresh = try reread()
        } catch {
            log.error("read the settings again, and keep those from before: \(error)")
            return
        }
        let changed = fresh.settingsThatDiffer(from: current.withLock { $0 })
        current.withLock { $0 = fresh }
        output.level = fresh.values.logLevel
        output.format = fresh.values.logFormat
        apply(fresh.values)
        let live = Set(ConfigurationOption.all.filter(\.isLive).map(\.name))
        // Also those of earlier readings.
        let waiting = fresh.settingsThatDiffer(from: started).filter { !live.contains($0) }
        log.notice(
            "read the settings again",
            metadata: [
                "changed": "\(changed.filter(live.contains).joined(separator: ","))",
                "need-a-restart": "\(waiting.joined(separator: ","))",
            ])
    }

    private func tell(_ state: Systemd.Notification) {
        do {
            try systemd.notify(state)
        } catch {
            log.warning("tell the service manager: \(error)")
        }
    }
}
