import NIOCore
import NIOEmbedded
import NIOPosix
import NIOWebSocket

@testable import DockerEngine
@testable import Streaming

/// The parsers that read what a client or a container sends, each with what must hold for any bytes at all.
///
/// `make fuzz` runs them on libFuzzer's inputs, `FuzzTests` on the corpus that was found so.
enum FuzzTarget: String, CaseIterable, Sendable {
    /// Frames of SPDY, cut anywhere.
    case spdyFrames
    /// Compressed header blocks, and plain ones that are compressed first.
    case spdyHeaders
    /// A SPDY connection whose streams ask for ports or a command.
    case spdySession
    /// WebSocket frames through to the channels of a command.
    case webSocket
    /// Docker's multiplexed output.
    case dockerFrames
    /// Sizes of a terminal.
    case resize

    /// Throws ``Finding`` when something does not hold; bytes that are refused are none.
    func run(_ bytes: [UInt8]) async throws {
        switch self {
        case .spdyFrames: try Self.spdyFrames(bytes)
        case .spdyHeaders: try Self.spdyHeaders(bytes)
        case .spdySession: try await Self.spdySession(bytes)
        case .webSocket: try await Self.webSocket(bytes)
        case .dockerFrames: try Self.dockerFrames(bytes)
        case .resize: try Self.resize(bytes)
        }
    }

    struct Finding: Error, CustomStringConvertible {
        var description: String
    }

    private static func hold(_ holds: Bool, _ what: String) throws {
        if !holds { throw Finding(description: what) }
    }

    /// The first byte says how long the pieces are into which the others are cut.
    private static func cut(_ bytes: [UInt8]) -> [[UInt8]] {
        let length = Int(bytes.first ?? 0) + 1
        let rest = Array(bytes.dropFirst())
        return stride(from: 0, to: rest.count, by: length).map { Array(rest[$0..<min($0 + length, rest.count)]) }
    }
}

// SPDY.

extension FuzzTarget {
    private static func frames(_ pieces: [[UInt8]]) -> ([SPDYFrame], failed: Bool) {
        var decoder = SPDYFrameDecoder(limit: 2048)
        var frames: [SPDYFrame] = []
        do {
            for piece in pieces {
                decoder.append(ByteBuffer(bytes: piece))
                while let frame = try decoder.next() { frames.append(frame) }
            }
        } catch {
            return (frames, true)
        }
        return (frames, false)
    }

    private static func spdyFrames(_ bytes: [UInt8]) throws {
        let pieces = frames(cut(bytes))
        let whole = frames([Array(bytes.dropFirst())])
        try hold(pieces == whole, "the same frames wherever they are cut")
        var wire = ByteBuffer()
        for frame in whole.0 { wire.write(frame) }
        let again = frames([Array(wire.readableBytesView)])
        try hold(again == (whole.0, false), "frames that are written and read again are the same")
    }

    private static func spdyHeaders(_ bytes: [UInt8]) throws {
        let plain = ByteBuffer(bytes: bytes.dropFirst())
        // Two blocks of one connection, since the second meets the state that the first left.
        let (reader, writer) = (try SPDYHeaderReader(), try SPDYHeaderWriter())
        for _ in 0..<2 {
            let block = bytes.first == 0 ? try writer.write(plain: plain) : plain
            guard let headers = try? reader.read(block) else { return }
            try hold(headers.count <= SPDYHeaderReader.countLimit, "no more headers than the limit")
            let size = headers.reduce(0) { $0 + $1.key.utf8.count }
            try hold(size <= 3 * SPDYHeaderReader.blockLimit, "headers no larger than a block")
        }
    }

    private static func spdySession(_ bytes: [UInt8]) async throws {
        let session = SPDYSession { _ in }
        let isCommand = bytes.first.map { $0 & 1 == 0 } ?? true
        let wire = try wire(bytes.dropFirst())
        let work = Task {
            guard isCommand else {
                return await SPDYPortForward(
                    session: session,
                    forwarder: PortForwarder(
                        runtime: NoRuntime(), sandboxID: "s", group: MultiThreadedEventLoopGroup.singleton),
                    pairTimeout: .seconds(30)
                ).run()
            }
            let streams = StreamSet(stdin: true, stdout: true, stderr: false, tty: true)
            guard let command = try? await SPDYCommand.accept(session, streams, version: 4) else { return }
            while let bytes = try? await command.stdin?.next() { try? await command.write(.stdout, bytes) }
            try? await command.finish(.success)
        }
        do {
            let reader = try SPDYSession.Reader(session)
            for piece in wire { try await reader.take(ByteBuffer(bytes: piece)) }
        } catch {}
        session.end()
        await work.value
    }

    /// Bytes as they are, or with frames whose headers are compressed, which no mutation would hit upon.
    private static func wire(_ bytes: ArraySlice<UInt8>) throws -> [[UInt8]] {
        guard bytes.first == 1 else { return cut(Array(bytes)) }
        let writer = try SPDYHeaderWriter()
        let names = ["error", "data", "stdin", "stdout", "resize", "stderr", ""]
        var wire = ByteBuffer()
        var rest = bytes.dropFirst()
        while let kind = rest.popFirst(), let id = rest.popFirst(), let detail = rest.popFirst() {
            let stream = UInt32(id)
            let isLast = detail & 0x80 != 0
            switch kind % 4 {
            case 0:
                let headers = [
                    ("streamtype", names[Int(detail & 7) % names.count]), ("port", "\(detail & 0x70)"),
                    ("requestid", "\(id / 4)"),
                ]
                wire.write(.synStream(stream: stream, isLast: isLast, headers: try writer.write(headers)))
            case 1: wire.write(.reset(stream: stream, status: UInt32(detail)))
            case 2:
                let length = Int(detail & 0x7F)
                wire.write(.data(stream: max(stream, 1), isLast: isLast, bytes: ByteBuffer(bytes: rest.prefix(length))))
                rest = rest.dropFirst(length)
            default: wire.writeBytes([detail])
            }
        }
        return [Array(wire.readableBytesView)]
    }

    private struct NoRuntime: StreamingRuntime {
        func exec(_ request: ExecStreamRequest) async throws -> any StreamedProcess { throw CancellationError() }
        func attach(_ request: AttachStreamRequest) async throws -> any StreamedProcess { throw CancellationError() }
        func connect(sandboxID: String, port: UInt16) async throws -> CInt { throw Finding(description: "no port") }
    }
}

// WebSocket, Docker, sizes.

extension FuzzTarget {
    private static func webSocket(_ bytes: [UInt8]) async throws {
        let frames = webSocketFrames(cut(Array(bytes.dropFirst())))
        let protocols = CommandSubprotocol.known
        let subprotocol = protocols[Int(bytes.first ?? 0) % protocols.count]
        let socket = WebSocketConnection { frame in
            let isControl = frame.opcode != .binary && frame.opcode != .text
            try hold(!isControl || frame.data.readableBytes <= 125, "control frames hold at most 125 bytes")
        }
        let streams = StreamSet(stdin: true, stdout: true, stderr: false, tty: true)
        let command = WebSocketCommand(socket, streams, subprotocol)
        do {
            try await command.receive(
                AsyncThrowingStream { continuation in
                    for frame in frames { continuation.yield(frame) }
                    continuation.finish()
                })
        } catch let finding as Finding {
            throw finding
        } catch {}
        var size = 0
        while let bytes = try? await command.stdin?.next() { size += bytes.readableBytes }
        try hold(size <= bytes.count, "no more input than was sent")
        while let bytes = try? await command.resize?.next() { try resize(Array(bytes.readableBytesView)) }
    }

    private static func webSocketFrames(_ pieces: [[UInt8]]) -> [WebSocketFrame] {
        let channel = EmbeddedChannel(handler: ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: 1 << 20)))
        var frames: [WebSocketFrame] = []
        do {
            for piece in pieces { try channel.writeInbound(ByteBuffer(bytes: piece)) }
        } catch {}
        while let frame = try? channel.readInbound(as: WebSocketFrame.self) { frames.append(frame) }
        _ = try? channel.finish(acceptAlreadyClosed: true)
        return frames
    }

    private static func decode(_ pieces: [[UInt8]]) -> ([StreamFrame.Stream: [UInt8]], failed: Bool) {
        var decoder = FrameDecoder()
        var output: [StreamFrame.Stream: [UInt8]] = [:]
        for piece in pieces {
            guard let frames = try? decoder.decode(piece) else { return (output, true) }
            for frame in frames { output[frame.stream, default: []] += frame.bytes }
        }
        return (output, false)
    }

    private static func dockerFrames(_ bytes: [UInt8]) throws {
        let pieces = decode(cut(bytes))
        let single = decode(bytes.dropFirst().map { [$0] })
        try hold(pieces.failed == single.failed, "what is refused is refused wherever it is cut")
        try hold(pieces.failed || pieces.0 == single.0, "the same output wherever it is cut")
        let size = single.0.values.reduce(0) { $0 + $1.count }
        try hold(size <= bytes.count, "no more output than was sent")
    }

    private static func resize(_ bytes: [UInt8]) throws {
        var decoder = ResizeDecoder()
        let pieces = cut(bytes).flatMap { decoder.take(ByteBuffer(bytes: $0)) }
        var single = ResizeDecoder()
        let whole = single.take(ByteBuffer(bytes: bytes.dropFirst()))
        try hold(pieces.elementsEqual(whole, by: ==), "the same sizes wherever they are cut")
        try hold(whole.allSatisfy { $0.width > 0 && $0.height > 0 }, "no size is 0")
    }
}
