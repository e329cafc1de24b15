/// Takes Docker's multiplexed stream apart, wherever it is cut.
///
/// A frame is eight bytes (stream, three zeros, length big-endian) and its payload, of which each piece is handed on
/// as it comes.
struct FrameDecoder: Sendable {
    private static let headLength = 8
    private var head: [UInt8] = []
    private var stream = StreamFrame.Stream.stdout
    private var left = 0

    /// Whether the bytes so far end between two frames.
    var isBetweenFrames: Bool { head.isEmpty && left == 0 }

    /// The pieces in `bytes`, in order.
    ///
    /// Throws ``DockerError/Kind/decoding`` for what is no frame.
    mutating func decode(_ bytes: [UInt8]) throws -> [StreamFrame] {
        var frames: [StreamFrame] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            if left > 0 {
                let piece = rest.prefix(left)
                frames.append(StreamFrame(stream: stream, bytes: Array(piece)))
                left -= piece.count
                rest = rest.dropFirst(piece.count)
            } else {
                let piece = rest.prefix(Self.headLength - head.count)
                head += piece
                rest = rest.dropFirst(piece.count)
                if head.count == Self.headLength { try finishHead() }
            }
        }
        return frames
    }

    private mutating func finishHead() throws {
        guard let stream = StreamFrame.Stream(rawValue: head[0]), head[1...3].allSatisfy({ $0 == 0 }) else {
            throw DockerError(.decoding, message: "the multiplexed stream holds no frame where one must begin")
        }
        self.stream = stream
        left = head[4...].reduce(0) { $0 << 8 | Int($1) }
        head = []
    }
}
