import CLinux
import Foundation
import Glibc
import Synchronization

/// A program that a test runs.
///
/// `Foundation.Process` will not do: it misses ends now and then, and the parent-death signal needs a starting thread
/// that stays.
final class RunningProcess: Sendable {
    private let pid = Mutex<pid_t?>(nil)
    private let status = Mutex<CInt>(-1)
    private let exited = DispatchSemaphore(value: 0)

    /// Starts a program with standard output and error appended to `output`; `onExit` is called when it has ended.
    init(
        _ arguments: [String], output: String, environment: [String: String],
        onExit: @escaping @Sendable () -> Void = {}
    ) throws {
        let merged = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let started = DispatchSemaphore(value: 0)
        let failure = Mutex<CInt>(0)
        Thread.detachNewThread {
            let (code, pid) = Self.spawn(arguments, output: output, environment: merged.map { "\($0)=\($1)" })
            failure.withLock { $0 = code }
            if code == 0 { self.pid.withLock { $0 = pid } }
            started.signal()
            if code == 0 { self.reap(pid, onExit) }
        }
        started.wait()
        let code = failure.withLock { $0 }
        guard code == 0 else {
            throw DockerDaemon.Failure(description: "\(arguments[0]): \(String(cString: strerror(code)))")
        }
    }

    /// Sends a signal, and SIGKILL when the process is still there after 30 s; returns when it is gone. Blocks.
    func end(_ signal: CInt) {
        send(signal)
        if exited.wait(timeout: .now() + 30) == .success { return }
        send(SIGKILL)
        exited.wait()
    }

    /// Whether it has exited with 0.
    var succeeded: Bool { status.withLock { $0 } == 0 }

    /// Returns when it has ended by itself. Blocks.
    func waitForEnd() {
        exited.wait()
    }

    private func send(_ signal: CInt) {
        pid.withLock { if let pid = $0 { kill(pid, signal) } }
    }

    private func reap(_ pid: pid_t, _ onExit: () -> Void) {
        var info = siginfo_t()
        // With WNOWAIT the pid stays taken until it is reaped under the lock.
        while waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR {}
        self.pid.withLock { running in
            var status: CInt = 0
            waitpid(pid, &status, 0)
            self.status.withLock { $0 = status }
            running = nil
        }
        exited.signal()
        onExit()
    }

    private static func spawn(_ arguments: [String], output: String, environment: [String]) -> (CInt, pid_t) {
        let argv = arguments.map { strdup($0) } + [nil]
        let envp = environment.map { strdup($0) } + [nil]
        defer { for text in argv + envp { free(text) } }
        let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
        let log = open(output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        var (pid, pidfd) = (CInt(0), CInt(-1))
        // Leaves no other descriptor open: a daemon would hold a test's connections for long.
        let code = fender_spawn(arguments[0], argv, envp, null, log, log, -1, &pid, &pidfd)
        for descriptor in [null, log, pidfd] where descriptor >= 0 { close(descriptor) }
        return (code, pid)
    }
}
