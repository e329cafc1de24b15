import DockerLogs
import Glibc
import Linux
import Logging

/// A directory of a test's own, with places for Docker's logs, CRI logs and the state; removed with the object.
final class Scratch: Sendable {
    let path: String

    init() throws {
        path = "/tmp/fender-logs-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        for name in ["", "/docker", "/pods", "/pods/pod", "/pods/pod/c"] { mkdir(path + name, 0o755) }
    }

    deinit {
        Self.remove(path)
    }

    var state: String { "\(path)/state" }
    var source: String { "\(path)/docker/x-json.log" }
    var destination: String { "\(path)/pods/pod/c/0.log" }

    /// A manager whose log is thrown away.
    func manager() throws -> LogManager {
        try LogManager(stateDirectory: state, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// The bytes of a file; empty if there is none.
    static func bytes(_ path: String) throws -> [UInt8] {
        Files.exists(path) ? try Files.read(path, limit: 1 << 30) : []
    }

    private static func remove(_ path: String) {
        for name in (try? Files.names(in: path)) ?? [] {
            let entry = "\(path)/\(name)"
            if unlink(entry) != 0 { remove(entry) }
        }
        rmdir(path)
    }
}

/// Text of bytes, for comparing where a difference should be readable.
func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

/// Runs blocking work on a thread of its own.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Value, any Error>) in
        let work = Unmanaged.passRetained(ThreadBody { continuation.resume(with: Result(catching: body)) })
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run() }
                return nil
            }, work.toOpaque())
        precondition(code == 0, "no thread")
        pthread_detach(thread)
    }
}

/// Waits for a fact that another thread or process brings about without telling; false after half a minute.
func eventually(_ isTrue: () throws -> Bool) async throws -> Bool {
    for _ in 0..<15_000 {
        if try isTrue() { return true }
        try await Task.sleep(for: .milliseconds(2))
    }
    return false
}
