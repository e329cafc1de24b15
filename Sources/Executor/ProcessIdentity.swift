internal import CLinux
internal import Glibc
internal import Linux

/// A process by pid and start time, which together name no other until the host dies.
struct ProcessIdentity: Equatable, Sendable {
    var pid: Int32
    /// Clock ticks since the host's start (proc_pid_stat(5), field 22).
    var startTime: UInt64

    /// The process that has the pid now; nil when there is none or only its exit is left.
    static func find(_ pid: Int32) -> ProcessIdentity? {
        guard pid > 0, let text = try? Files.text("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else {
            return nil
        }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19, fields[0] != "Z", fields[0] != "X", let time = UInt64(fields[19]) else { return nil }
        return ProcessIdentity(pid: pid, startTime: time)
    }

    var isAlive: Bool { Self.find(pid) == self }

    /// A pidfd that surely is of this process; nil when it is gone.
    func open() -> Descriptor? {
        let raw = fender_pidfd_open(pid)
        guard raw >= 0 else { return nil }
        if !isAlive {
            close(raw)
            return nil
        }
        return Descriptor(owning: raw)
    }

    /// Sends a signal; false when the process is gone.
    func send(_ signal: Int32) throws -> Bool {
        guard let file = open() else { return false }
        let raw = file.raw
        do {
            try system("pidfd_send_signal", String(pid)) { fender_pidfd_send_signal(raw, signal) }
            return true
        } catch let error as SystemError where error.code == Errno.gone {
            return false
        }
    }

    /// Waits for the end, at most so long; false when it lives on.
    func waitForEnd(milliseconds: Int32) -> Bool {
        guard let file = open() else { return true }
        var entry = pollfd(fd: file.raw, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, milliseconds) > 0
    }
}
