public import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOWebSocket
internal import Synchronization

/// The HTTP server behind the URLs of `Exec`, `Attach` and `PortForward`.
///
/// A URL carries a token that one client may use once, within a minute. A connection is upgraded to SPDY/3.1 or
/// WebSocket; what it started ends with it.
public final class StreamingServer: Sendable {
    /// Where to listen and what URLs say.
    public struct Configuration: Sendable {
        /// The address to listen on; loopback unless told otherwise.
        public var host = "127.0.0.1"
        /// The port; 0 for any.
        public var port = 0
        /// What URLs begin with where a proxy stands before us; nil for `http://host:port`.
        public var baseURL: String?

        /// The defaults.
        public init() {}
    }

    let configuration: Configuration
    let runtime: any StreamingRuntime
    let logger: Logger
    let tokens = Tokens()
    private let base = Mutex<String?>(nil)

    /// A server for the processes and ports of `runtime`.
    public init(configuration: Configuration, runtime: any StreamingRuntime, logger: Logger) {
        self.configuration = configuration
        self.runtime = runtime
        self.logger = logger
    }

    /// The URL under which an exec waits for its client; nil when too many wait already.
    public func url(for request: ExecStreamRequest) -> String? { url(.exec(request)) }
    /// The URL under which an attach waits for its client; nil when too many wait already.
    public func url(for request: AttachStreamRequest) -> String? { url(.attach(request)) }
    /// The URL under which a port-forward waits for its client; nil when too many wait already.
    public func url(forPorts ports: [UInt16], of sandboxID: String) -> String? {
        url(.portForward(sandboxID: sandboxID, ports: ports))
    }

    private func url(_ request: StreamRequest) -> String? {
        guard let base = base.withLock({ $0 }), let token = tokens.issue(request) else { return nil }
        return "\(base)/\(request.path)/\(token)"
    }

    /// Listens and serves until the task is cancelled. Throws when the address cannot be had.
    public func run() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let listener = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: configuration.host, port: configuration.port) { channel in
                channel.eventLoop.makeCompletedFuture { try Negotiation.configure(channel, self) }
            }
        let port = listener.channel.localAddress?.port ?? configuration.port
        let host = configuration.host.contains(":") ? "[\(configuration.host)]" : configuration.host
        base.withLock { $0 = configuration.baseURL ?? "http://\(host):\(port)" }
        logger.info("streaming", metadata: ["address": "\(host):\(port)"])
        try await withThrowingDiscardingTaskGroup { tasks in
            try await listener.executeThenClose { connections in
                for try await negotiation in connections {
                    tasks.addTask { await self.serve(negotiation) }
                }
            }
        }
    }

    private func serve(_ negotiation: EventLoopFuture<Negotiation.Outcome>) async {
        do {
            switch try await negotiation.cancellableGet() {
            case .spdy(let channel, let request, let version):
                try await serveSPDY(channel, request, version: version)
            case .webSocket(let channel, let request, let subprotocol):
                try await serveWebSocket(channel, request, subprotocol)
            case .refused: break
            }
        } catch {
            logger.debug("streaming connection", metadata: ["error": "\(error)"])
        }
    }

    /// Starts what the request asks for.
    func process(for request: StreamRequest) async throws -> any StreamedProcess {
        switch request {
        case .exec(let exec): return try await runtime.exec(exec)
        case .attach(let attach): return try await runtime.attach(attach)
        case .portForward: throw SPDYError("a port is no process")
        }
    }
}

extension StreamRequest {
    /// The streams of a remote command; nil for a port-forward.
    var streams: StreamSet? {
        switch self {
        case .exec(let exec): exec.streams
        case .attach(let attach): attach.streams
        case .portForward: nil
        }
    }
}
