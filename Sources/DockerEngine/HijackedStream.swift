internal import Synchronization

/// A connection that Docker has turned into the streams of a process: what it reads, and what it writes.
///
/// One reader at a time. Bounded in both directions: who does not read holds the process back, who writes waits for
/// room. Closed when dropped; a cancelled reader or writer closes it. Closing it does not end the process.
public final class HijackedStream: Sendable, AsyncSequence {
    private struct Decoding {
        /// Nil for a terminal's raw stream.
        var decoder: FrameDecoder?
        var frames: ArraySlice<StreamFrame> = []
    }

    private let connection: HijackConnection
    private let decoding: Mutex<Decoding>

    init(connection: HijackConnection, isMultiplexed: Bool) {
        self.connection = connection
        decoding = Mutex(Decoding(decoder: isMultiplexed ? FrameDecoder() : nil))
    }

    deinit {
        close()
    }

    /// The next piece; nil when the process has ended its streams. With a terminal all pieces are `stdout`.
    ///
    /// Throws ``DockerError``, and `CancellationError` when the task is cancelled.
    public func next() async throws -> StreamFrame? {
        while true {
            if let frame = decoding.withLock({ $0.frames.popFirst() }) { return frame }
            guard let bytes = try await connection.read() else {
                if decoding.withLock({ $0.decoder?.isBetweenFrames ?? true }) { return nil }
                throw DockerError(.unavailable, message: "the stream ended within a frame")
            }
            do {
                try decoding.withLock { decoding in
                    decoding.frames =
                        try decoding.decoder?.decode(bytes)[...] ?? [StreamFrame(stream: .stdout, bytes: bytes)]
                }
            } catch {
                close()
                throw error
            }
        }
    }

    /// Queues bytes for the process's standard input; returns when there is room for more.
    ///
    /// Throws ``DockerError/Kind/unavailable`` once the process's input is closed.
    public func write(_ bytes: [UInt8]) async throws {
        try await connection.write(bytes)
    }

    /// Ends the process's standard input after what was written.
    public func closeWrite() {
        connection.endWriting()
    }

    /// Closes the connection; readers and writers see ``DockerError/Kind/unavailable``.
    public func close() {
        connection.end(DockerError(.unavailable, message: "the stream was closed"))
        connection.kick()
    }

    /// Reads from the stream's present place on.
    public func makeAsyncIterator() -> Iterator {
        Iterator(stream: self)
    }

    /// Reads a ``HijackedStream``.
    public struct Iterator: AsyncIteratorProtocol {
        let stream: HijackedStream

        /// As ``HijackedStream/next()``.
        public mutating func next() async throws -> StreamFrame? {
            try await stream.next()
        }
    }
}
