internal import NIOCore
internal import Synchronization

/// How many connections there are, against how many there may be.
final class ConnectionCount: Sendable {
    private let count = Atomic(0)
    private let most: Atomic<Int>

    /// So many more than may be served are told so; what comes above is closed without a word.
    private static let slack = 64

    init(limit: Int) { most = Atomic(limit) }

    /// So many may be served.
    var limit: Int {
        get { most.load(ordering: .relaxed) }
        set { most.store(newValue, ordering: .relaxed) }
    }

    /// Whether there are more than may be served.
    var isOver: Bool { count.load(ordering: .relaxed) > limit }

    /// Counts a connection until it is closed; throws when it is not even to be told that there are too many.
    func add(_ channel: any Channel) throws {
        let now = count.add(1, ordering: .relaxed).newValue
        channel.closeFuture.whenComplete { _ in _ = self.count.subtract(1, ordering: .relaxed) }
        guard now <= limit + Self.slack else { throw ChannelError.operationUnsupported }
    }
}

/// Closes a connection on which nothing moves, and one that we have ended and the client does not.
final class ConnectionEnd: ChannelInboundHandler {
    typealias InboundIn = NIOAny
    /// How long a client that has been sent everything may take to close.
    private static let linger = TimeAmount.seconds(10)

    private var timer: Scheduled<Void>?

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent { return context.close(promise: nil) }
        if case ChannelEvent.outputClosed? = event as? ChannelEvent, timer == nil {
            let channel = context.channel
            timer = context.eventLoop.scheduleTask(in: Self.linger) { channel.close(promise: nil) }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }
}

/// Finds out that a client is gone whose connection nobody reads.
///
/// While a queue is full its bytes stay in the sockets, and the end of a client that closes waits behind them unseen.
/// Bytes that reach a socket without an owner are answered by a reset, so a few are sent now and then: such as no
/// client answers, since a client may have to finish its own writing first. They do not count as traffic: this stands
/// between the socket and what watches for idle connections.
final class StallProbe: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How long the bytes of a client may lie before it is looked for, and then every time.
    static let interval = TimeAmount.seconds(5)
    /// A PONG frame that nobody has asked for (RFC 6455, 5.5.3).
    static let webSocket = ByteBuffer(bytes: [0x8A, 0])
    /// A PING frame that looks like the answer to one of the client's (SPDY/3.1, 2.6.5).
    static var spdy: ByteBuffer {
        var bytes = ByteBuffer()
        bytes.write(SPDYFrame.ping(id: 0x7FFF_FFFF))
        return bytes
    }

    private var isRead = true
    private var timer: RepeatedTask?

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isRead = false
        context.fireChannelRead(data)
    }

    func read(context: ChannelHandlerContext) {
        isRead = true
        context.read()
    }

    /// The connection has been upgraded: from now on `probe` may be sent between its frames.
    func start(_ probe: ByteBuffer, on channel: any Channel) throws {
        let context = NIOLoopBound(
            try channel.pipeline.syncOperations.context(handler: self), eventLoop: channel.eventLoop)
        let handler = NIOLoopBound(self, eventLoop: channel.eventLoop)
        timer = channel.eventLoop.scheduleRepeatedTask(initialDelay: Self.interval, delay: Self.interval) { _ in
            // What waits to be written does the same service.
            guard !handler.value.isRead, context.value.channel.isWritable else { return }
            context.value.writeAndFlush(NIOAny(probe), promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }
}
