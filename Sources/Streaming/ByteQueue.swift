internal import NIOCore
internal import Synchronization

/// A bounded queue of bytes between one writer and one reader.
///
/// A writer that finds it full waits; so does a reader that finds it empty.
final class ByteQueue: Sendable {
    private struct State {
        var chunks: [ByteBuffer] = []
        var size = 0
        var end: Result<Void, any Error>?
        var reader: CheckedContinuation<Void, Never>?
        var writer: CheckedContinuation<Void, Never>?

        func blocks(_ side: Side, _ limit: Int) -> Bool {
            end == nil && (side == .reader ? chunks.isEmpty : size >= limit)
        }
    }

    private let state = Mutex(State())
    private let limit: Int

    init(limit: Int = 256 << 10) { self.limit = limit }

    /// Appends; waits first while the queue holds its limit. What comes after the end is dropped.
    func push(_ bytes: ByteBuffer) async {
        await wait(.writer)
        let reader = state.withLock { state in
            if state.end != nil || bytes.readableBytes == 0 { return nil as CheckedContinuation<Void, Never>? }
            state.chunks.append(bytes)
            state.size += bytes.readableBytes
            return state.reader.take()
        }
        reader?.resume()
    }

    /// The next bytes; nil at the end. Throws what the end was made with, once everything before it is read.
    func next() async throws -> ByteBuffer? {
        await wait(.reader)
        try Task.checkCancellation()
        let (bytes, end, writer) = state.withLock { state in
            guard !state.chunks.isEmpty else {
                return (nil as ByteBuffer?, state.end, nil as CheckedContinuation<Void, Never>?)
            }
            let bytes = state.chunks.removeFirst()
            state.size -= bytes.readableBytes
            return (bytes, nil, state.writer.take())
        }
        writer?.resume()
        if let bytes { return bytes }
        try end?.get()
        return nil
    }

    /// No more bytes will come; with an error the reader sees it after what is queued.
    func finish(throwing error: (any Error)? = nil) {
        let (reader, writer) = state.withLock { state in
            if state.end == nil { state.end = error.map { .failure($0) } ?? .success(()) }
            return (state.reader.take(), state.writer.take())
        }
        reader?.resume()
        writer?.resume()
    }

    private enum Side {
        case reader
        case writer
    }

    /// Suspends the reader of an empty queue, or the writer of a full one; a cancelled task goes on at once.
    private func wait(_ side: Side) async {
        while !Task.isCancelled, state.withLock({ $0.blocks(side, limit) }) {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let goesOn = state.withLock { state in
                        guard state.blocks(side, limit), !Task.isCancelled else { return true }
                        if side == .reader { state.reader = continuation } else { state.writer = continuation }
                        return false
                    }
                    if goesOn { continuation.resume() }
                }
            } onCancel: {
                state.withLock { side == .reader ? $0.reader.take() : $0.writer.take() }?.resume()
            }
        }
    }
}
