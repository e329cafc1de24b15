internal import NIOCore
internal import NIOWebSocket
internal import Synchronization

/// The sub-protocols of a remote command over WebSocket.
struct CommandSubprotocol: Sendable, Equatable {
    var name: String
    /// Messages are text: the channel's digit and base64.
    var isBase64: Bool
    /// The error channel carries a `metav1.Status`.
    var hasStatus: Bool
    /// The client may close a channel of its own.
    var hasClose: Bool

    static let known = [
        CommandSubprotocol(name: "v5.channel.k8s.io", isBase64: false, hasStatus: true, hasClose: true),
        CommandSubprotocol(name: "v4.channel.k8s.io", isBase64: false, hasStatus: true, hasClose: false),
        CommandSubprotocol(name: "v4.base64.channel.k8s.io", isBase64: true, hasStatus: true, hasClose: false),
        CommandSubprotocol(name: "channel.k8s.io", isBase64: false, hasStatus: false, hasClose: false),
        CommandSubprotocol(name: "base64.channel.k8s.io", isBase64: true, hasStatus: false, hasClose: false),
    ]

    /// The first of the client's that we know; without any it is the oldest one.
    static func choose(_ offered: [String]) -> CommandSubprotocol? {
        if offered.isEmpty { return CommandSubprotocol(name: "", isBase64: false, hasStatus: false, hasClose: false) }
        for name in offered {
            if let known = known.first(where: { $0.name == name }) { return known }
        }
        return nil
    }
}

/// A remote command's streams over WebSocket: the first byte of each message names the channel.
final class WebSocketCommand: CommandConnection {
    private enum Channel {
        static let stdin: UInt8 = 0
        static let stdout: UInt8 = 1
        static let stderr: UInt8 = 2
        static let error: UInt8 = 3
        static let resize: UInt8 = 4
        static let close: UInt8 = 255
    }

    let stdin: ByteQueue?
    let resize: ByteQueue?
    private let subprotocol: CommandSubprotocol
    private let socket: WebSocketConnection
    private let streams: StreamSet

    init(_ socket: WebSocketConnection, _ streams: StreamSet, _ subprotocol: CommandSubprotocol) {
        self.socket = socket
        self.streams = streams
        self.subprotocol = subprotocol
        stdin = streams.stdin ? ByteQueue() : nil
        resize = streams.tty ? ByteQueue() : nil
    }

    /// Reads the client's messages until the connection ends.
    func receive(_ frames: some AsyncSequence<WebSocketFrame, any Error>) async throws {
        defer {
            stdin?.finish(throwing: WebSocketError("the connection ended"))
            resize?.finish()
        }
        try await socket.read(frames) { try await take($0) }
    }

    private func take(_ message: ByteBuffer) async throws {
        var message = try decode(message)
        guard let channel = message.readInteger(as: UInt8.self) else { return }
        switch channel {
        case Channel.stdin: await stdin?.push(message)
        case Channel.resize: await resize?.push(message)
        case Channel.close where subprotocol.hasClose:
            if message.readInteger(as: UInt8.self) == Channel.stdin { stdin?.finish() }
        default: break
        }
    }

    /// An empty message on the lowest channel we write, so that the client's side knows it is open.
    func open() async throws {
        try await send(streams.stdout ? Channel.stdout : streams.stderr ? Channel.stderr : Channel.error, ByteBuffer())
    }

    func write(_ stream: OutputStream, _ bytes: ByteBuffer) async throws {
        guard stream == .stdout ? streams.stdout : streams.stderr else { return }
        try await send(stream == .stdout ? Channel.stdout : Channel.stderr, bytes)
    }

    func finishOutput() async throws {}

    func finish(_ outcome: CommandOutcome) async throws {
        let text = subprotocol.hasStatus ? outcome.status : outcome.plainText
        if !text.isEmpty { try await send(Channel.error, ByteBuffer(string: text)) }
        try await socket.close()
    }

    private func send(_ channel: UInt8, _ bytes: ByteBuffer) async throws {
        if subprotocol.isBase64 {
            let text = "\(channel)" + Base64.encode(bytes.readableBytesView)
            return try await socket.send(ByteBuffer(string: text), opcode: .text)
        }
        var message = ByteBuffer(integer: channel)
        message.writeImmutableBuffer(bytes)
        try await socket.send(message, opcode: .binary)
    }

    private func decode(_ message: ByteBuffer) throws -> ByteBuffer {
        guard subprotocol.isBase64 else { return message }
        var text = message
        guard let digit = text.readInteger(as: UInt8.self), (0x30...0x39).contains(digit),
            let bytes = Base64.decode(text.readableBytesView)
        else { throw WebSocketError("a message that is not base64") }
        var plain = ByteBuffer(integer: digit - 0x30)
        plain.writeBytes(bytes)
        return plain
    }
}

/// RFC 4648 base64 with padding.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: some Collection<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            let group = Array(rest.prefix(3))
            rest = rest.dropFirst(3)
            let word =
                UInt32(group[0]) << 16 | UInt32(group.count > 1 ? group[1] : 0) << 8
                | UInt32(group.count > 2 ? group[2] : 0)
            for place in 0..<4 {
                text.append(place <= group.count ? alphabet[Int(word >> (18 - 6 * place)) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Nil for what is not base64; padding may be missing.
    static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        var word: UInt32 = 0
        var bits = 0
        for character in text where character != UInt8(ascii: "=") {
            guard let value = alphabet.firstIndex(of: character) else { return nil }
            word = word << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(bits)))
            }
        }
        return bytes
    }
}
