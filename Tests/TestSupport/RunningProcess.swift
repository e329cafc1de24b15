import Foundation
import Glibc
import Synchronization

/// A program that a test runs.
final class RunningProcess: Sendable {
    private let process = Process()
    private let exited = DispatchSemaphore(value: 0)

    /// Starts a program with standard output and error appended to `output`; `onExit` is called when it has ended.
    init(
        _ arguments: [String], output: String, environment: [String: String],
        onExit: @escaping @Sendable () -> Void = {}
    ) throws {
        let log = open(output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        let file = FileHandle(fileDescriptor: log, closeOnDealloc: true)
        process.executableURL = URL(fileURLWithPath: arguments[0])
        process.arguments = Array(arguments.dropFirst())
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = file
        process.standardError = file
        process.terminationHandler = { [exited] _ in
            exited.signal()
            onExit()
        }
        try process.run()
    }

    /// Sends a signal, and SIGKILL when the process is still there after 30 s; returns when it is gone.
    func end(_ signal: CInt) {
        if process.isRunning { kill(process.processIdentifier, signal) }
        if exited.wait(timeout: .now() + 30) == .success { return }
        kill(process.processIdentifier, SIGKILL)
        exited.wait()
    }
}
