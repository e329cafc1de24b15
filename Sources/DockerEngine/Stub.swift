final class CurlLoop: Sendable {
    init(endpoint: DockerEndpoint) throws {}
    func stop() {}
    func perform(_ request: Request) async throws -> Response { Response() }
    func open(_ request: Request) async throws -> StreamResponse { .refused(Response()) }
}
final class HijackLoop: Sendable { init() throws {}; func stop() {} }
enum StreamResponse: Versioned {
    case body(BodyStream, apiVersion: String?)
    case refused(Response)
    var apiVersion: String? { nil }
}
final class BodyStream: Sendable {
    func close() {}
    func nextLine() async throws -> [UInt8]? { nil }
}
/// Bytes for Docker.
public enum DockerUpload: Sendable {
    /// Held in memory.
    case bytes([UInt8])
    /// Read piece by piece.
    case stream(any AsyncSequence<[UInt8], any Error> & Sendable)
    func sending<R: Sendable>(_ body: (Request.Body) async throws -> R) async throws -> R { try await body(.none) }
}
struct Upload: Sendable {}
/// A connection that Docker turned into the streams of a process.
public final class HijackedStream: Sendable {
    /// The next piece; nil at the end.
    public func next() async throws -> StreamFrame? { nil }
    /// Queues bytes for the process's standard input; returns when there is room for more.
    public func write(_ bytes: [UInt8]) async throws {}
    /// Ends the process's standard input after what was written.
    public func closeWrite() {}
    /// Closes the connection.
    public func close() {}
}
extension DockerEngine {
    func hijack(_ request: Request, tty: Bool) async throws -> HijackedStream { HijackedStream() }
}
func withDeadline<R: Sendable>(_ d: Duration?, call: String, _ body: @escaping @Sendable () async throws -> R) async throws -> R { try await body() }
