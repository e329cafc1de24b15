internal import Glibc
internal import Linux
public import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import Synchronization

/// Serves `GET /metrics` over HTTP/1.1.
public struct ScrapeServer: Sendable {
    /// Where to listen.
    public enum Address: Sendable, Equatable {
        /// A host and a port; port 0 is any free one.
        case tcp(host: String, port: Int)
        /// A Unix socket with these permission bits, replacing a stale one.
        case unix(path: String, mode: UInt32)
    }

    /// A client that is silent for this long is let go.
    static let idleTimeout = TimeAmount.seconds(60)
    /// Connections at once; a further one is closed as soon as it comes.
    static let connectionLimit = 32

    private let address: Address
    private let registry: Registry
    private let logger: Logger

    /// A server of what `registry` has.
    public init(address: Address, registry: Registry, logger: Logger) {
        self.address = address
        self.registry = registry
        self.logger = logger
    }

    /// Listens and serves until the task is cancelled; `onListening` gets the port, nil for a Unix socket.
    ///
    /// Throws when the address cannot be had.
    public func run(onListening: @Sendable (Int?) -> Void = { _ in }) async throws {
        let listener = try await listen()
        logger.info("metrics", metadata: ["address": "\(address(of: listener))"])
        onListening(listener.localAddress?.port)
        try await withTaskCancellationHandler {
            try await listener.closeFuture.get()
        } onCancel: {
            listener.close(promise: nil)
        }
        if case .unix(let path, _) = address { try Files.remove(path) }
    }

    private func address(of listener: any Channel) -> String {
        switch address {
        case .tcp(let host, let port): "\(host):\(listener.localAddress?.port ?? port)"
        case .unix(let path, _): path
        }
    }

    private func listen() async throws -> any Channel {
        let (registry, connections) = (registry, ConnectionCount())
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard connections.enter(limit: Self.connectionLimit) else { throw ChannelError.eof }
                    channel.closeFuture.whenComplete { _ in connections.leave() }
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(IdleStateHandler(allTimeout: Self.idleTimeout))
                    try pipeline.configureHTTPServerPipeline()
                    try pipeline.addHandler(ScrapeHandler(registry: registry))
                }
            }
        switch address {
        case .tcp(let host, let port): return try await bootstrap.bind(host: host, port: port).get()
        case .unix(let path, let mode):
            // Bound where nobody looks yet, so that it is never there with other permissions.
            let hidden = "\(path).new"
            try Files.remove(hidden)
            let listener = try await bootstrap.bind(unixDomainSocketPath: hidden).get()
            _ = try system("chmod", hidden) { chmod(hidden, mode) }
            _ = try system("rename", path) { rename(hidden, path) }
            return listener
        }
    }
}

/// How many connections there are.
private final class ConnectionCount: Sendable {
    private let count = Mutex(0)

    func enter(limit: Int) -> Bool {
        count.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
    }

    func leave() { count.withLock { $0 -= 1 } }
}

/// Answers the requests of one connection.
private final class ScrapeHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let registry: Registry
    private var head: HTTPRequestHead?

    init(registry: Registry) { self.registry = registry }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        // Nothing here takes a body.
        case .body: context.close(promise: nil)
        case .end:
            guard let head = head.take() else { return }
            answer(head, context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func answer(_ request: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let path = request.uri.prefix { $0 != "?" }
        guard path == "/metrics" else { return respond(.notFound, "metrics are at /metrics\n", request, context) }
        guard request.method == .GET || request.method == .HEAD else {
            return respond(.methodNotAllowed, "GET only\n", request, context)
        }
        respond(.ok, registry.text(), request, context)
    }

    private func respond(
        _ status: HTTPResponseStatus, _ text: String, _ request: HTTPRequestHead, _ context: ChannelHandlerContext
    ) {
        let headers = HTTPHeaders([
            ("Content-Type", status == .ok ? "text/plain; version=0.0.4; charset=utf-8" : "text/plain"),
            ("Content-Length", "\(text.utf8.count)"),
            ("Connection", request.isKeepAlive ? "keep-alive" : "close"),
        ])
        let head = HTTPResponseHead(version: request.version, status: status, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if request.method != .HEAD {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
        }
        let done = context.writeAndFlush(wrapOutboundOut(.end(nil)))
        if request.isKeepAlive { return }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        done.whenComplete { _ in bound.value.close(promise: nil) }
    }
}
