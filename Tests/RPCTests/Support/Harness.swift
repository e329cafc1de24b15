import Glibc
import Logging
@testable import RPC
import Synchronization
import Testing

/// All tests that need a server, one after the other: they count the process's descriptors and use all its threads.
@Suite(.serialized) struct ServerTests {}

/// Runs a server for the time of `body`, then shuts it down and waits for its end.
func withServer(
    _ methods: [String: MethodHandler] = [:], grace: Duration = .seconds(5),
    _ configure: (inout Server.Configuration) -> Void = { _ in },
    _ body: (_ server: Server, _ path: String) async throws -> Void
) async throws {
    let directory = try TemporaryDirectory()
    let path = "\(directory.path)/s.sock"
    var configuration = Server.Configuration(endpoint: .path(path), logger: .quiet)
    configure(&configuration)
    let server = Server(configuration: configuration, methods: methods)
    let running = try await start(server)
    do {
        try await body(server, path)
    } catch {
        server.shutdown(grace: .zero)
        try? await running.value
        throw error
    }
    server.shutdown(grace: grace)
    try await running.value
}

/// Runs a server in a task and returns when it listens.
func start(_ server: Server) async throws -> Task<Void, any Error> {
    let (listening, ready) = AsyncStream.makeStream(of: Void.self)
    let task = Task {
        defer { ready.finish() }
        try await server.run { ready.yield() }
    }
    for await _ in listening { return task }
    try await task.value
    throw Failure("the server ended before it listened")
}

/// Runs a server, and a client of it.
func withClient(
    _ methods: [String: MethodHandler] = [:], arguments: [(name: String, value: Int)] = [],
    _ configure: (inout Server.Configuration) -> Void = { _ in },
    _ body: (_ client: Client) async throws -> Void
) async throws {
    try await withServer(methods, configure) { _, path in
        let client = try Client(path, arguments: arguments)
        do {
            try await body(client)
        } catch {
            await client.close()
            throw error
        }
        await client.close()
    }
}

struct Failure: Error {
    var text: String

    init(_ text: String) {
        self.text = text
    }
}

final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/rpc-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure("mkdtemp: \(errno)") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for name in names { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    /// What is in it.
    var names: [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }
}

extension Logger {
    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}

/// The number of the process's open descriptors.
func descriptorCount() -> Int {
    var count = 0
    guard let directory = opendir("/proc/self/fd") else { return -1 }
    defer { closedir(directory) }
    while readdir(directory) != nil { count += 1 }
    return count
}

/// Collects values from other tasks and lets a test wait for them.
final class Events<Value: Sendable>: Sendable {
    private let stream: AsyncStream<Value>
    private let continuation: AsyncStream<Value>.Continuation

    init() {
        (stream, continuation) = AsyncStream.makeStream(of: Value.self)
    }

    func add(_ value: Value) {
        continuation.yield(value)
    }

    /// The next value; one task at a time. The test's time limit is the limit.
    func next() async throws -> Value {
        for await value in stream { return value }
        throw Failure("no more events")
    }
}

extension Array where Element == UInt8 {
    init(text: String) {
        self = Array(text.utf8)
    }

    var text: String { String(decoding: self, as: UTF8.self) }
}
