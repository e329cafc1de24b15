internal import NIOCore
internal import Synchronization

/// One SPDY/3.1 connection on the server's side: streams that the client opens.
///
/// There is no flow control: the clients of Kubernetes know none. A stream whose reader is slow makes the whole
/// connection wait once its bounded queue is full, as TCP would.
final class SPDYSession: Sendable {
    typealias Writer = @Sendable (ByteBuffer) async throws -> Void

    /// Streams as the client opens them; ends with the connection.
    let opened: AsyncStream<SPDYStream>
    private let openedContinuation: AsyncStream<SPDYStream>.Continuation
    private let table: SPDYStreamTable

    /// The most streams that may be open at once.
    static let streamLimit = 4096

    init(send: @escaping Writer) {
        table = SPDYStreamTable(send: send)
        // Streams that were opened and reset again count as well until someone has looked at them.
        (opened, openedContinuation) = AsyncStream.makeStream(
            of: SPDYStream.self, bufferingPolicy: .bufferingOldest(Self.streamLimit))
    }

    /// What reads the client's bytes; one task has it.
    final class Reader {
        private let session: SPDYSession
        private var decoder = SPDYFrameDecoder()
        private let headers: SPDYHeaderReader
        private let replies: SPDYHeaderWriter
        private var lastStream: UInt32 = 0

        init(_ session: SPDYSession) throws {
            self.session = session
            headers = try SPDYHeaderReader()
            replies = try SPDYHeaderWriter()
        }

        /// Takes the next bytes of the connection; waits while a stream's queue is full.
        func take(_ bytes: ByteBuffer) async throws {
            decoder.append(bytes)
            while let frame = try decoder.next() { try await session.take(frame, headers, replies, &lastStream) }
        }
    }

    private func take(
        _ frame: SPDYFrame, _ reader: SPDYHeaderReader, _ writer: SPDYHeaderWriter, _ lastStream: inout UInt32
    ) async throws {
        switch frame {
        case .synStream(let id, let isLast, let block):
            let headers = try reader.read(block)
            guard id > lastStream, id % 2 == 1 else { throw SPDYError("stream id \(id) after \(lastStream)") }
            lastStream = id
            guard table.streams.withLock({ $0.count }) < Self.streamLimit else {
                return try await write(.reset(stream: id, status: SPDYFrame.Status.refused))
            }
            let stream = SPDYStream(id: id, headers: headers, table: table)
            table.streams.withLock { $0[id] = stream }
            if isLast { stream.input.finish() }
            // The reply comes first: whoever gets the stream may write to it at once.
            try await write(.synReply(stream: id, isLast: false, headers: writer.write([])))
            guard case .enqueued = openedContinuation.yield(stream) else {
                return try await stream.reset(SPDYFrame.Status.refused)
            }
        case .data(let id, let isLast, let bytes):
            guard let stream = table.streams.withLock({ $0[id] }) else { return }
            await stream.input.push(bytes)
            if isLast { stream.input.finish() }
        case .reset(let id, _):
            table.streams.withLock { $0.removeValue(forKey: id) }?.input.finish(throwing: SPDYError("stream was reset"))
        case .headers(_, _, let block), .synReply(_, _, let block):
            // The zlib state is shared, so the block has to be read although nobody wants it.
            _ = try reader.read(block)
        case .ping(let id) where id % 2 == 1: try await write(.ping(id: id))
        case .ping, .settings, .goAway, .windowUpdate, .unknown: break
        }
    }

    /// All streams that are wanted are open: further ones are refused.
    func refuseMore() { openedContinuation.finish() }

    /// The connection has ended, and so has every stream.
    func end() {
        openedContinuation.finish()
        for stream in table.streams.withLock({ $0.values.map(\.self) }) {
            stream.input.finish(throwing: SPDYError("the connection ended"))
        }
        table.streams.withLock { $0.removeAll() }
    }

    private func write(_ frame: SPDYFrame) async throws { try await table.write(frame) }
}

/// The streams that are open, and the way to the client.
///
/// Streams know this rather than their session, whose queue of opened streams may hold them when it ends.
final class SPDYStreamTable: Sendable {
    fileprivate let streams = Mutex<[UInt32: SPDYStream]>([:])
    private let send: SPDYSession.Writer

    fileprivate init(send: @escaping SPDYSession.Writer) { self.send = send }

    fileprivate func write(_ frame: SPDYFrame) async throws {
        var buffer = ByteBuffer()
        buffer.write(frame)
        try await send(buffer)
    }

    fileprivate func forget(_ id: UInt32) { streams.withLock { $0[id] = nil } }
}

/// A stream that the client opened.
final class SPDYStream: Sendable {
    let id: UInt32
    let headers: [String: String]
    /// What the client sends.
    let input = ByteQueue()
    private let table: SPDYStreamTable
    private let isClosed = Atomic(false)

    init(id: UInt32, headers: [String: String], table: SPDYStreamTable) {
        self.id = id
        self.headers = headers
        self.table = table
    }

    /// Sends bytes; waits while the client does not take them.
    func write(_ bytes: ByteBuffer) async throws {
        var rest = bytes
        // Frames small enough that other streams get their turn.
        while let piece = rest.readSlice(length: min(rest.readableBytes, 64 << 10)), piece.readableBytes > 0 {
            try await table.write(.data(stream: id, isLast: false, bytes: piece))
        }
    }

    /// Ends our half.
    func finish() async throws {
        if isClosed.exchange(true, ordering: .relaxed) { return }
        try await table.write(.data(stream: id, isLast: true, bytes: ByteBuffer()))
    }

    /// Ends both halves.
    func reset(_ status: UInt32 = SPDYFrame.Status.cancel) async throws {
        input.finish()
        table.forget(id)
        if isClosed.exchange(true, ordering: .relaxed) { return }
        try await table.write(.reset(stream: id, status: status))
    }

    /// Both halves have ended: the session need not know it any more.
    func release() {
        input.finish()
        table.forget(id)
    }
}
