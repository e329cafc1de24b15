internal import NIOCore
internal import Synchronization

/// How many connections there are, against how many there may be.
final class ConnectionCount: Sendable {
    private let count = Atomic(0)
    private let limit: Int

    /// So many more than may be served are told so; what comes above is closed without a word.
    private static let slack = 64

    init(limit: Int) { self.limit = limit }

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
