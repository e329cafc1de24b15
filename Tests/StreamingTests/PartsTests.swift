import NIOCore
import Testing

@testable import Streaming

struct TokensTests {
    let request = StreamRequest.portForward(sandboxID: "s", ports: [80])

    @Test func aTokenIsGoodOnce() throws {
        let tokens = Tokens()
        let token = try #require(tokens.issue(request))
        #expect(token.utf8.count == 32)
        #expect(tokens.redeem(token) == request)
        #expect(tokens.redeem(token) == nil)
        #expect(tokens.redeem("unknown") == nil)
    }

    @Test func aTokenExpires() throws {
        let tokens = Tokens(lifetime: .seconds(60))
        let now = ContinuousClock.now
        let token = try #require(tokens.issue(request, now: now))
        #expect(tokens.redeem(token, now: now + .seconds(61)) == nil)
    }

    @Test func theirNumberIsBounded() {
        let tokens = Tokens(limit: 3, lifetime: .seconds(60))
        let now = ContinuousClock.now
        for _ in 0..<3 { #expect(tokens.issue(request, now: now) != nil) }
        #expect(tokens.issue(request, now: now) == nil)
        #expect(tokens.issue(request, now: now + .seconds(61)) != nil)
        #expect(tokens.count == 1)
    }
}

struct ByteQueueTests {
    @Test func bytesComeOutInOrderAndThenTheEnd() async throws {
        let queue = ByteQueue(limit: 4)
        let writer = Task {
            for number in 0..<100 { await queue.push(ByteBuffer(integer: UInt8(number))) }
            queue.finish()
        }
        var read: [UInt8] = []
        while let bytes = try await queue.next() { read += Array(bytes.readableBytesView) }
        await writer.value
        #expect(read == (0..<100).map(UInt8.init))
        #expect(try await queue.next() == nil)
    }

    @Test func anErrorComesAfterWhatIsQueued() async throws {
        let queue = ByteQueue()
        await queue.push(ByteBuffer(string: "last"))
        queue.finish(throwing: SPDYError("gone"))
        await queue.push(ByteBuffer(string: "too late"))
        #expect(try await queue.next() == ByteBuffer(string: "last"))
        await #expect(throws: SPDYError.self) { try await queue.next() }
    }

    @Test func aFullQueueHoldsItsWriterUntilItIsCancelled() async throws {
        let queue = ByteQueue(limit: 1)
        await queue.push(ByteBuffer(string: "full"))
        let writer = Task { await queue.push(ByteBuffer(string: "waits")) }
        writer.cancel()
        await writer.value
        let reader = Task { try await ByteQueue().next() }
        reader.cancel()
        await #expect(throws: CancellationError.self) { try await reader.value }
    }
}

struct WireTests {
    @Test(arguments: [
        (#"{"Width":80,"Height":24}"#, 80, 24), (#"{"width": 1, "height": 65535}"#, 1, 65535),
        (#"{"Height":24,"Width":80,"X":"y"}"#, 80, 24),
    ])
    func sizesAreRead(text: String, width: UInt16, height: UInt16) {
        for cut in 0..<text.utf8.count {
            var decoder = ResizeDecoder()
            var sizes = decoder.take(ByteBuffer(bytes: text.utf8.prefix(cut)))
            sizes += decoder.take(ByteBuffer(bytes: text.utf8.dropFirst(cut)))
            #expect(sizes.count == 1 && sizes[0].width == width && sizes[0].height == height)
        }
    }

    @Test(arguments: ["{}", #"{"Width":0,"Height":5}"#, #"{"Width":70000,"Height":5}"#, "}}}", "garbage"])
    func whatIsNoSizeIsLeftOut(text: String) {
        var decoder = ResizeDecoder()
        #expect(decoder.take(ByteBuffer(string: text)).isEmpty)
    }

    @Test(arguments: [
        ([UInt8](), ""), ([0x66], "Zg=="), ([0x66, 0x6F], "Zm8="), ([0x66, 0x6F, 0x6F], "Zm9v"),
        ([0, 255, 128, 7], "AP+ABw=="),
    ])
    func base64IsRFC4648(bytes: [UInt8], text: String) {
        #expect(Base64.encode(bytes) == text)
        #expect(Base64.decode(Array(text.utf8)) == bytes)
        #expect(Base64.decode(Array("*".utf8)) == nil)
    }

    @Test func outcomesAreStatusObjects() {
        #expect(CommandOutcome.success.status.contains(#""status":"Success""#))
        #expect(CommandOutcome.exited(7).status.contains(#""reason":"ExitCode","message":"7""#))
        #expect(CommandOutcome.failed("a \"b\"\n\\").status.contains(#"a \"b\"\n\\"#))
    }

    @Test(arguments: [
        (["v5.channel.k8s.io", "v4.channel.k8s.io"], "v5.channel.k8s.io"),
        (["x", "v4.base64.channel.k8s.io"], "v4.base64.channel.k8s.io"),
        ([], ""),
    ])
    func theFirstKnownSubprotocolIsChosen(offered: [String], chosen: String) {
        #expect(CommandSubprotocol.choose(offered)?.name == chosen)
        #expect(CommandSubprotocol.choose(["x"]) == nil)
    }
}
