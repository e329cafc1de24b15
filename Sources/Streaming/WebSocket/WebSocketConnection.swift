internal import NIOCore
internal import NIOWebSocket
internal import Synchronization

/// Why a WebSocket connection cannot go on.
struct WebSocketError: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = "WebSocket: \(description)" }
}

/// The sending side of a WebSocket, and the rules of its control frames (RFC 6455, 5.5).
final class WebSocketConnection: Sendable {
    private let write: @Sendable (WebSocketFrame) async throws -> Void
    private let isClosed = Atomic(false)

    /// The largest message a client may send.
    static let messageLimit = 4 << 20

    init(write: @escaping @Sendable (WebSocketFrame) async throws -> Void) { self.write = write }

    func send(_ bytes: ByteBuffer, opcode: WebSocketOpcode) async throws {
        if isClosed.load(ordering: .relaxed) { return }
        try await write(WebSocketFrame(fin: true, opcode: opcode, data: bytes))
    }

    /// A close with code 1000; the first call counts.
    func close() async throws {
        if isClosed.exchange(true, ordering: .relaxed) { return }
        var body = ByteBuffer()
        body.write(webSocketErrorCode: .normalClosure)
        try await write(WebSocketFrame(fin: true, opcode: .connectionClose, data: body))
    }

    /// Hands over the client's messages, put together from their fragments, until it closes; pings are answered.
    func read(
        _ frames: some AsyncSequence<WebSocketFrame, any Error>, _ take: (ByteBuffer) async throws -> Void
    ) async throws {
        var partial = ByteBuffer()
        for try await frame in frames {
            var bytes = frame.unmaskedData
            switch frame.opcode {
            case .text, .binary, .continuation:
                guard partial.readableBytes + bytes.readableBytes <= Self.messageLimit else {
                    throw WebSocketError("a message above \(Self.messageLimit) bytes")
                }
                partial.writeBuffer(&bytes)
                guard frame.fin else { continue }
                let message = partial
                partial = ByteBuffer()
                try await take(message)
            case .ping: try await send(bytes, opcode: .pong)
            case .connectionClose: return try await close()
            default: continue
            }
        }
    }
}
