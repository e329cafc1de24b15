internal import NIOCore
internal import NIOWebSocket

/// Port-forward over WebSocket channels (`v4.channel.k8s.io` and its base64 form): for the port at index i in the
/// request, channel 2i carries data and 2i + 1 errors; the first message of each is the port, little-endian.
struct WebSocketPortForward: Sendable {
    let socket: WebSocketConnection
    let forwarder: PortForwarder
    let ports: [UInt16]
    let isBase64: Bool

    /// A channel's number is one byte, and each port has two channels.
    static let portLimit = 128

    func run(_ frames: some AsyncSequence<WebSocketFrame, any Error>) async throws {
        let inputs = ports.map { _ in ByteQueue() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, port) in ports.enumerated() {
                group.addTask { try await self.serve(port, index: index, input: inputs[index]) }
            }
            defer {
                for input in inputs { input.finish() }
                group.cancelAll()
            }
            try await socket.read(frames) { await take($0, inputs) }
        }
    }

    private func take(_ message: ByteBuffer, _ inputs: [ByteQueue]) async {
        var message = message
        guard var channel = message.readInteger(as: UInt8.self) else { return }
        if isBase64 {
            channel -= min(channel, 0x30)
            guard let bytes = Base64.decode(message.readableBytesView) else { return }
            message = ByteBuffer(bytes: bytes)
        }
        guard channel % 2 == 0, Int(channel) / 2 < inputs.count else { return }
        await inputs[Int(channel) / 2].push(message)
    }

    private func serve(_ port: UInt16, index: Int, input: ByteQueue) async throws {
        let data = UInt8(index * 2)
        let number = ByteBuffer(bytes: [UInt8(port & 0xFF), UInt8(port >> 8)])
        try await send(data, number)
        try await send(data + 1, number)
        do {
            try await forwarder.join(port: port, input: input, write: { try await self.send(data, $0) }, finish: {})
        } catch is CancellationError {
        } catch {
            try await send(data + 1, ByteBuffer(string: "error forwarding port \(port): \(error)"))
        }
    }

    private func send(_ channel: UInt8, _ bytes: ByteBuffer) async throws {
        if isBase64 {
            let text = "\(channel)" + Base64.encode(bytes.readableBytesView)
            return try await socket.send(ByteBuffer(string: text), opcode: .text)
        }
        var message = ByteBuffer(integer: channel)
        message.writeImmutableBuffer(bytes)
        try await socket.send(message, opcode: .binary)
    }
}
