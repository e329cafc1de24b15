internal import CExecutor
internal import Glibc
internal import Linux

/// Stays with a container's process until its end and passes signals on to it.
public final class Foreground {
    private let signals: Descriptor

    /// Becomes the parent that orphans get, and takes signals as events from here on.
    public init() throws {
        try system("prctl") { fender_adopt_orphans() }
        signals = Descriptor(owning: try system("signalfd") { fender_take_signals() })
    }

    /// Waits for the end; the exit code as a shell has it.
    public func wait(for pid: Int32) throws -> Int32 {
        let raw = signals.raw
        var code = reap(pid)
        while code == nil {
            let signal = try system("read signals") { fender_next_signal(raw) }
            if signal == SIGCHLD {
                code = reap(pid)
            } else {
                kill(pid, signal)
            }
        }
        return code ?? 0
    }

    private func reap(_ pid: Int32) -> Int32? {
        var code: Int32?
        var status: CInt = 0
        while true {
            let ended = waitpid(-1, &status, WNOHANG)
            if ended <= 0 { return code }
            if ended == pid { code = status & 0x7f == 0 ? status >> 8 & 0xff : 128 + status & 0x7f }
        }
    }
}
