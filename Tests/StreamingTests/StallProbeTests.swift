import NIOCore
import NIOEmbedded
import Testing

@testable import Streaming

/// A client that is gone must be found though nobody reads its connection.
struct StallProbeTests {
    /// What stands above: lets reads through, or holds them as a consumer does that has enough.
    private final class Consumer: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer
        var takes = true
        var writes = 0
        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            writes += 1
            context.write(data, promise: promise)
        }
        func read(context: ChannelHandlerContext) { if takes { context.read() } }
    }

    private let loop = EmbeddedEventLoop()
    private let channel: EmbeddedChannel
    private let consumer = Consumer()
    private let probe = ByteBuffer(string: "?")

    init() throws {
        channel = EmbeddedChannel(loop: loop)
        try channel.connect(to: SocketAddress(unixDomainSocketPath: "client")).wait()
        let handler = StallProbe()
        try channel.pipeline.syncOperations.addHandler(handler)
        try channel.pipeline.syncOperations.addHandler(consumer)
        try handler.start(probe, on: channel)
    }

    private func receive() throws {
        try channel.writeInbound(ByteBuffer(string: "x"))
        channel.read()
    }

    private func probes() throws -> Int {
        var count = 0
        while try channel.readOutbound(as: ByteBuffer.self) == probe { count += 1 }
        return count
    }

    @Test func whoIsReadIsNotProbed() throws {
        try receive()
        loop.advanceTime(by: StallProbe.interval * 4)
        #expect(try probes() == 0)
    }

    @Test func whoIsNotReadIsProbedUntilReadAgain() throws {
        consumer.takes = false
        try receive()
        loop.advanceTime(by: StallProbe.interval * 2)
        #expect(try probes() == 2)
        consumer.takes = true
        channel.read()
        loop.advanceTime(by: StallProbe.interval * 2)
        #expect(try probes() == 0)
    }

    /// An idle connection is one on which the client and the process move nothing: what watches for it stands above.
    @Test func probesAreNoTraffic() throws {
        consumer.takes = false
        try receive()
        loop.advanceTime(by: StallProbe.interval)
        #expect(try probes() == 1 && consumer.writes == 0)
    }

    @Test func aProbeNeedsNoAnswer() throws {
        var decoder = SPDYFrameDecoder()
        decoder.append(StallProbe.spdy)
        // A client opens pings with odd numbers itself, so it takes this for an answer.
        #expect(try decoder.next() == .ping(id: 0x7FFF_FFFF))
    }
}
