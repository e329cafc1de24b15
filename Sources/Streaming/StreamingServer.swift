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
    /// Where to listen, what URLs say, and what clients may use.
    public struct Configuration: Sendable {
        /// The address to listen on; loopback unless told otherwise.
        public var host = "127.0.0.1"
        /// The port; 0 for any.
        public var port = 0
        /// What URLs begin with where a proxy stands before us; nil for `http://host:port`, or https with TLS.
        public var baseURL: String?
        /// The certificate to serve with; nil for no TLS.
        public var tls: TLSFiles?
        /// A connection on which nothing moves for so long is closed; zero for never. The default is the kubelet's.
        public var idleLimit = Duration.seconds(4 * 3600)
        /// So long a client may take to send its request and to open the streams of it.
        public var creationLimit = Duration.seconds(30)
        /// The most connections at a time.
        public var connectionLimit = 1000

        /// The defaults.
        public init() {}
    }

    /// Names of PEM files. They are read again when they have changed.
    public struct TLSFiles: Sendable {
        /// The certificate and those between it and its authority.
        public var certificate: String
        /// The certificate's key, without a passphrase.
        public var key: String
        /// Authorities of which every client needs a certificate; nil to ask for none.
        public var clientAuthorities: String?

        /// Names of files.
        public init(certificate: String, key: String, clientAuthorities: String? = nil) {
            self.certificate = certificate
            self.key = key
            self.clientAuthorities = clientAuthorities
        }
    }

    private let current: Mutex<Configuration>
    let runtime: any StreamingRuntime
    let logger: Logger
    let tokens = Tokens()
    let connections: ConnectionCount
    /// Ends when the server listens.
    private let (listening, listens) = AsyncStream.makeStream(of: Never.self)
    private let base = Mutex<String?>(nil)

    /// A server for the processes and ports of `runtime`.
    public init(configuration: Configuration, runtime: any StreamingRuntime, logger: Logger) {
        current = Mutex(configuration)
        connections = ConnectionCount(limit: configuration.connectionLimit)
        self.runtime = runtime
        self.logger = logger
    }

    var configuration: Configuration { current.withLock { $0 } }

    /// Takes on the limits of another configuration, for connections that come from now on.
    public func changeLimits(to other: Configuration) {
        current.withLock { configuration in
            configuration.idleLimit = other.idleLimit
            configuration.creationLimit = other.creationLimit
            configuration.connectionLimit = other.connectionLimit
        }
        connections.limit = other.connectionLimit
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

    /// Returns once the server listens: before that there is no URL to give. Returns too when the task is cancelled.
    public func whenListening() async { for await _ in listening {} }

    /// Listens and serves until the task is cancelled. Throws when the address or the certificate cannot be had.
    public func run() async throws {
        let certificates = try await certificates()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: configuration.host, port: configuration.port) { self.prepare($0, certificates) }
        let port = listener.channel.localAddress?.port ?? configuration.port
        let host = configuration.host.contains(":") ? "[\(configuration.host)]" : configuration.host
        let scheme = certificates == nil ? "http" : "https"
        base.withLock { $0 = configuration.baseURL ?? "\(scheme)://\(host):\(port)" }
        listens.finish()
        logger.info("streaming", metadata: ["address": "\(host):\(port)", "scheme": "\(scheme)"])
        try await withThrowingDiscardingTaskGroup { tasks in
            try await listener.executeThenClose { connections in
                for try await negotiation in connections {
                    tasks.addTask { await self.serve(negotiation) }
                }
            }
        }
    }

    private func certificates() async throws -> TLSCertificates? {
        guard let files = configuration.tls else { return nil }
        return try await NIOThreadPool.singleton.runIfActive { [logger] in try TLSCertificates(files, logger: logger) }
    }

    /// Puts what a new connection needs into its pipeline.
    private func prepare(
        _ channel: any Channel, _ certificates: TLSCertificates?
    ) -> EventLoopFuture<EventLoopFuture<Negotiation.Outcome>> {
        let loop = channel.eventLoop
        let context = certificates.map { certificates in
            NIOThreadPool.singleton.runIfActive(eventLoop: loop) { certificates.current() as TLSContext? }
        }
        let prepared = (context ?? loop.makeSucceededFuture(nil)).flatMapThrowing { context in
            try self.connections.add(channel)
            let pipeline = channel.pipeline.syncOperations
            if let context { try pipeline.addHandler(TLSHandler(context)) }
            try pipeline.addHandler(StallProbe())
            let idleLimit = self.configuration.idleLimit
            if idleLimit > .zero { try pipeline.addHandler(IdleStateHandler(allTimeout: TimeAmount(idleLimit))) }
            try pipeline.addHandler(ConnectionEnd())
            return try Negotiation.configure(channel, self)
        }
        prepared.whenFailure { _ in channel.close(promise: nil) }
        return prepared
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
