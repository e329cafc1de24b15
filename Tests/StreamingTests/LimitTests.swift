import Glibc
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import Streaming

/// What a client may leave open, and for how long.
struct LimitTests {
    /// A session, and the frames that it sends.
    private struct Peer {
        let session: SPDYSession
        let sent: AsyncStream<SPDYFrame>
        private let writer: SPDYHeaderWriter
        private let reader: SPDYSession.Reader

        init() throws {
            let (sent, continuation) = AsyncStream.makeStream(of: SPDYFrame.self)
            self.sent = sent
            session = SPDYSession { bytes in
                var decoder = SPDYFrameDecoder()
                decoder.append(bytes)
                while let frame = try decoder.next() { continuation.yield(frame) }
            }
            writer = try SPDYHeaderWriter()
            reader = try SPDYSession.Reader(session)
        }

        func take(_ frame: SPDYFrame) async throws {
            var bytes = ByteBuffer()
            bytes.write(frame)
            try await reader.take(bytes)
        }

        func open(_ stream: UInt32, _ type: String, request: String? = nil) async throws {
            var headers = [("streamtype", type), ("port", "80")]
            if let request { headers.append(("requestid", request)) }
            try await take(.synStream(stream: stream, isLast: false, headers: writer.write(headers)))
        }

        /// The next RST_STREAM it sends.
        func reset() async -> SPDYFrame? {
            for await case .reset(let stream, let status) in sent { return .reset(stream: stream, status: status) }
            return nil
        }
    }

    private struct Refusing: StreamingRuntime {
        func exec(_ request: ExecStreamRequest) async throws -> any StreamedProcess { throw SPDYError("no exec") }
        func attach(_ request: AttachStreamRequest) async throws -> any StreamedProcess { throw SPDYError("no attach") }
        func connect(sandboxID: String, port: UInt16) async throws -> CInt { throw SPDYError("port \(port)") }
    }

    private final class Flag: Sendable {
        let isSet = Atomic(false)
    }

    /// Hands out one connected socket.
    private struct Connected: StreamingRuntime {
        let descriptor: CInt
        func exec(_ request: ExecStreamRequest) async throws -> any StreamedProcess { throw SPDYError("no exec") }
        func attach(_ request: AttachStreamRequest) async throws -> any StreamedProcess { throw SPDYError("no attach") }
        func connect(sandboxID: String, port: UInt16) async throws -> CInt { descriptor }
    }

    private func forwarder(_ runtime: any StreamingRuntime = Refusing()) -> PortForwarder {
        PortForwarder(runtime: runtime, sandboxID: "s", group: MultiThreadedEventLoopGroup.singleton)
    }

    @Test(arguments: ["error", "data"])
    func aHalfPairIsReset(type: String) async throws {
        let peer = try Peer()
        let forward = SPDYPortForward(
            session: peer.session, forwarder: forwarder(), pairTimeout: .milliseconds(20))
        let work = Task { await forward.run() }
        try await peer.open(1, type, request: "7")
        #expect(await peer.reset() == .reset(stream: 1, status: SPDYFrame.Status.cancel))
        peer.session.end()
        await work.value
    }

    @Test func aPairIsServedHoweverLongItsPartsWereApart() async throws {
        let peer = try Peer()
        let forward = SPDYPortForward(session: peer.session, forwarder: forwarder(), pairTimeout: .seconds(60))
        let work = Task { await forward.run() }
        try await peer.open(1, "data")
        try await peer.open(3, "error", request: "x")
        try await peer.open(5, "error", request: "x")
        #expect(await peer.reset() == .reset(stream: 5, status: SPDYFrame.Status.protocolError))
        try await peer.open(7, "data", request: "x")
        for await case .data(3, _, let bytes) in peer.sent where bytes.readableBytes > 0 {
            #expect(String(buffer: bytes).contains("error forwarding port 80"))
            break
        }
        peer.session.end()
        await work.value
    }

    @Test func tooManyHalfPairsEndTheConnection() async throws {
        let peer = try Peer()
        let forward = SPDYPortForward(session: peer.session, forwarder: forwarder(), pairTimeout: .seconds(60))
        let ended = Flag()
        let work = Task {
            await forward.run()
            ended.isSet.store(true, ordering: .relaxed)
        }
        // Those that come faster than they are looked at are refused and do not count.
        var number: UInt32 = 0
        while !ended.isSet.load(ordering: .relaxed) {
            try await peer.open(2 * number + 1, "error", request: "\(number)")
            try await peer.take(.reset(stream: 2 * number + 1, status: 5))
            number += 1
        }
        #expect(number > SPDYSession.streamLimit)
        await work.value
        peer.session.end()
    }

    @Test func streamsNobodyLooksAtAreRefused() async throws {
        let peer = try Peer()
        for number in 0...UInt32(SPDYSession.streamLimit) {
            try await peer.open(2 * number + 1, "data")
            try await peer.take(.reset(stream: 2 * number + 1, status: 5))
        }
        let last = 2 * UInt32(SPDYSession.streamLimit) + 1
        #expect(await peer.reset() == .reset(stream: last, status: SPDYFrame.Status.refused))
        peer.session.end()
    }

    @Test func streamsNobodyTookEndWithTheirSession() async throws {
        weak var session: SPDYSession?
        weak var stream: SPDYStream?
        do {
            let peer = try Peer()
            session = peer.session
            try await peer.open(1, "data")
            try await peer.take(.data(stream: 1, isLast: false, bytes: ByteBuffer(string: "unread")))
            peer.session.end()
        }
        #expect(session == nil)
        do {
            let peer = try Peer()
            try await peer.open(1, "error")
            for await opened in peer.session.opened {
                stream = opened
                break
            }
            peer.session.end()
        }
        #expect(stream == nil)
    }

    @Test func aCommandHasTheStreamsItAnnounced() async throws {
        let peer = try Peer()
        let streams = StreamSet(stdin: false, stdout: true, stderr: false, tty: false)
        let command = Task { [session = peer.session] in
            try await SPDYCommand.accept(session, streams, version: 4)
        }
        try await peer.open(1, "error")
        try await peer.open(3, "stdout")
        _ = try await command.value
        try await peer.open(5, "stderr")
        #expect(await peer.reset() == .reset(stream: 5, status: SPDYFrame.Status.refused))
        peer.session.end()
    }

    /// The pod has ended its side and reads nothing: what was sent to it stays where it is until the client goes.
    @Test func aPodThatDoesNotReadHoldsNobody() async throws {
        var ends: [CInt] = [0, 0]
        try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends) == 0)
        let pod = ends[1]
        defer { close(pod) }
        shutdown(pod, CInt(SHUT_WR))
        let (input, podEnded) = (ByteQueue(limit: 64 << 20), AsyncStream.makeStream(of: Void.self))
        await input.push(ByteBuffer(repeating: 1, count: 8 << 20))
        input.finish()
        let forwarder = forwarder(Connected(descriptor: ends[0]))
        let join = Task {
            try await forwarder.join(port: 80, input: input, write: { _ in }, finish: { podEnded.1.yield() })
        }
        for await _ in podEnded.0 { break }
        join.cancel()
        _ = await join.result
    }

    @Test func connectionsAreCountedUntilTheyClose() async throws {
        let count = ConnectionCount(limit: 1)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let channels = try await withThrowingTaskGroup(of: (any Channel).self) { group in
            for _ in 0..<2 {
                group.addTask {
                    try await DatagramBootstrap(group: loop).bind(host: "127.0.0.1", port: 0).get()
                }
            }
            return try await group.reduce(into: [any Channel]()) { $0.append($1) }
        }
        try count.add(channels[0])
        #expect(!count.isOver)
        try count.add(channels[1])
        #expect(count.isOver)
        for channel in channels { try await channel.close().get() }
        #expect(!count.isOver)
    }
}
