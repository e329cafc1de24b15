internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOWebSocket
internal import Synchronization

/// The HTTP part of a connection: one request, which is upgraded or refused.
enum Negotiation {
    typealias Bytes = NIOAsyncChannel<ByteBuffer, ByteBuffer>
    typealias Frames = NIOAsyncChannel<WebSocketFrame, WebSocketFrame>

    enum Outcome: Sendable {
        case spdy(Bytes, StreamRequest, version: String)
        case webSocket(Frames, StreamRequest, subprotocol: String)
        case refused
    }

    static let remoteCommandProtocols = [
        "v5.channel.k8s.io", "v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io",
    ]
    static let portForwardProtocols = ["portforward.k8s.io"]
    static let tunnel = "SPDY/3.1+portforward.k8s.io"

    /// Puts HTTP and the upgrades into a new connection's pipeline.
    static func configure(_ channel: any Channel, _ server: StreamingServer) throws -> EventLoopFuture<Outcome> {
        let refusal = Refusal()
        let spdy = SPDYUpgrader(server: server, refusal: refusal)
        let webSocket = NIOTypedWebSocketServerUpgrader<Outcome>(
            maxFrameSize: 1 << 20,
            shouldUpgrade: { channel, head in
                channel.eventLoop.makeCompletedFuture { try acceptWebSocket(head, server, refusal) }
            },
            upgradePipelineHandler: { channel, head in
                channel.eventLoop.makeCompletedFuture {
                    guard let request = refusal.takeAccepted() else { return .refused }
                    try startProbe(StallProbe.webSocket, on: channel)
                    let wrapped = try Frames(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(isOutboundHalfClosureEnabled: true))
                    return .webSocket(wrapped, request, subprotocol: subprotocol(head.headers, request) ?? "")
                }
            })
        let configuration = NIOTypedHTTPServerUpgradeConfiguration<Outcome>(
            upgraders: [spdy, webSocket],
            notUpgradingCompletionHandler: { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(RefusalHandler(server: server, refusal: refusal))
                    return .refused
                }
            })
        let limit = RequestLimit()
        try channel.pipeline.syncOperations.addHandler(limit)
        let outcome = try channel.pipeline.syncOperations.configureUpgradableHTTPServerPipeline(
            configuration: .init(upgradeConfiguration: configuration))
        let deadline = channel.eventLoop.scheduleTask(in: TimeAmount(server.configuration.creationLimit)) {
            channel.close(promise: nil)
        }
        let loop = NIOLoopBound(limit, eventLoop: channel.eventLoop)
        outcome.whenComplete { _ in
            deadline.cancel()
            loop.value.isOver = true
        }
        return outcome
    }

    fileprivate static func startProbe(_ bytes: ByteBuffer, on channel: any Channel) throws {
        try channel.pipeline.syncOperations.handler(type: StallProbe.self).start(bytes, on: channel)
    }

    /// Finds the request that the URL's token stands for.
    static func redeem(_ head: HTTPRequestHead, _ server: StreamingServer, _ refusal: Refusal) throws -> StreamRequest {
        guard head.method == .GET || head.method == .POST else { throw refusal.set(.methodNotAllowed, "GET or POST") }
        // Before the token is taken: the client may come again.
        guard !server.connections.isOver else { throw refusal.set(.serviceUnavailable, "too many connections") }
        let path = head.uri.split(separator: "?", maxSplits: 1).first ?? ""
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].isEmpty, let request = server.tokens.redeem(String(parts[2])),
            request.path == parts[1]
        else { throw refusal.set(.notFound, "unknown, used or expired token") }
        return request
    }

    private static func acceptWebSocket(
        _ head: HTTPRequestHead, _ server: StreamingServer, _ refusal: Refusal
    ) throws -> HTTPHeaders? {
        let request = try redeem(head, server, refusal)
        guard let chosen = subprotocol(head.headers, request) else {
            throw refusal.set(.forbidden, "no sub-protocol in common")
        }
        if case .portForward(_, let ports) = request, chosen != tunnel, ports.count > WebSocketPortForward.portLimit {
            throw refusal.set(.badRequest, "more than \(WebSocketPortForward.portLimit) ports")
        }
        refusal.accept(request)
        return chosen.isEmpty ? [:] : ["Sec-WebSocket-Protocol": chosen]
    }

    /// The sub-protocol for a WebSocket; nil when nothing fits, empty when the client named none.
    static func subprotocol(_ headers: HTTPHeaders, _ request: StreamRequest) -> String? {
        let offered = headers[canonicalForm: "Sec-WebSocket-Protocol"].map(String.init)
        if request.streams != nil { return CommandSubprotocol.choose(offered)?.name }
        if offered.isEmpty { return "" }
        return offered.first { [tunnel, "v4.channel.k8s.io", "v4.base64.channel.k8s.io"].contains($0) }
    }
}

/// What became of a connection's request, and why.
final class Refusal: Sendable {
    struct Answer: Error {
        var status: HTTPResponseStatus
        var text: String
        var headers: HTTPHeaders = [:]
    }

    private let answer = Mutex<Answer?>(nil)
    private let accepted = Mutex<StreamRequest?>(nil)

    /// Records why, and gives it back to be thrown.
    func set(_ status: HTTPResponseStatus, _ text: String, headers: HTTPHeaders = [:]) -> Answer {
        let made = Answer(status: status, text: text, headers: headers)
        answer.withLock { $0 = made }
        return made
    }

    func take() -> Answer { answer.withLock { $0 } ?? Answer(status: .badRequest, text: "an upgrade is needed") }
    func accept(_ request: StreamRequest) { accepted.withLock { $0 = request } }
    func takeAccepted() -> StreamRequest? { accepted.withLock { $0.take() } }
}

/// Upgrades a request to SPDY/3.1.
struct SPDYUpgrader: NIOTypedHTTPServerProtocolUpgrader {
    typealias UpgradeResult = Negotiation.Outcome
    let server: StreamingServer
    let refusal: Refusal
    var supportedProtocol: String { "SPDY/3.1" }
    var requiredUpgradeHeaders: [String] { [] }

    func buildUpgradeResponse(
        channel: any Channel, upgradeRequest: HTTPRequestHead, initialResponseHeaders: HTTPHeaders
    ) -> EventLoopFuture<HTTPHeaders> {
        channel.eventLoop.makeCompletedFuture {
            let request = try Negotiation.redeem(upgradeRequest, server, refusal)
            guard let version = Self.version(upgradeRequest.headers, request) else {
                let known = Self.known(request)
                if upgradeRequest.headers["X-Stream-Protocol-Version"].isEmpty {
                    throw refusal.set(.badRequest, "X-Stream-Protocol-Version is needed")
                }
                throw refusal.set(
                    .forbidden, "no stream protocol in common",
                    headers: ["X-Accepted-Stream-Protocol-Versions": known.joined(separator: ", ")])
            }
            refusal.accept(request)
            var headers = initialResponseHeaders
            headers.replaceOrAdd(name: "X-Stream-Protocol-Version", value: version)
            return headers
        }
    }

    func upgrade(
        channel: any Channel, upgradeRequest: HTTPRequestHead
    ) -> EventLoopFuture<Negotiation.Outcome> {
        channel.eventLoop.makeCompletedFuture {
            guard let request = refusal.takeAccepted() else { return .refused }
            try Negotiation.startProbe(StallProbe.spdy, on: channel)
            let wrapped = try Negotiation.Bytes(
                wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
            return .spdy(wrapped, request, version: Self.version(upgradeRequest.headers, request) ?? "")
        }
    }

    private static func known(_ request: StreamRequest) -> [String] {
        request.streams == nil ? Negotiation.portForwardProtocols : Negotiation.remoteCommandProtocols
    }

    /// The first of the client's protocols that we know.
    private static func version(_ headers: HTTPHeaders, _ request: StreamRequest) -> String? {
        headers[canonicalForm: "X-Stream-Protocol-Version"].map(String.init).first { known(request).contains($0) }
    }
}

/// Closes a connection whose request, with its headers, is longer than any that a client has reason to send.
private final class RequestLimit: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    /// The most bytes before the upgrade.
    private static let bytes = 256 << 10

    /// The request has been taken: what comes now is the upgraded protocol's.
    var isOver = false
    private var count = 0

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !isOver {
            count += unwrapInboundIn(data).readableBytes
            if count > Self.bytes { return context.close(promise: nil) }
        }
        context.fireChannelRead(data)
    }
}

/// Answers a request that is not upgraded, and closes.
private final class RefusalHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart
    private let server: StreamingServer
    private let refusal: Refusal

    init(server: StreamingServer, refusal: Refusal) {
        self.server = server
        self.refusal = refusal
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .end = unwrapInboundIn(data) else { return }
        let answer = refusal.take()
        let body = ByteBuffer(string: answer.text + "\n")
        var headers = answer.headers
        headers.add(name: "Content-Length", value: "\(body.readableBytes)")
        headers.add(name: "Content-Type", value: "text/plain; charset=utf-8")
        headers.add(name: "Connection", value: "close")
        context.write(
            wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: answer.status, headers: headers))),
            promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        let loop = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in loop.value.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
