internal import Configuration
internal import Linux
internal import Logging
internal import ServiceLifecycle
internal import UnixSignals

/// Answers the service manager: signs of life, the end, and SIGHUP, which reads the settings again.
struct ManagerService: Service, CustomStringConvertible {
    let description = "systemd"
    let systemd: Systemd
    let output: LogOutput
    /// What the daemon started with, which it still runs on but for its log level.
    let started: LoadedConfiguration
    let reread: @Sendable () throws -> LoadedConfiguration
    let log: Logger

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
            log.error("read the settings again: \(error)")
            return
        }
        output.level = fresh.values.logLevel
        let waiting = fresh.settingsThatDiffer(from: started).filter { $0 != "log-level" }
        log.notice(
            "read the settings again",
            metadata: ["log-level": "\(output.level)", "need-a-restart": "\(waiting.joined(separator: ","))"])
    }

    private func tell(_ state: Systemd.Notification) {
        do {
            try systemd.notify(state)
        } catch {
            log.warning("tell the service manager: \(error)")
        }
    }
}
