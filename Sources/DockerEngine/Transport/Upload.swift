internal import Synchronization

/// Carries a body from a task to libcurl's thread, and holds the task back while libcurl lags.
final class Upload: Sendable {
    enum Taking {
        case bytes(Int)
        case end
        /// Nothing is there; the transfer goes on when something is.
        case wait
        /// The body was sent before and is gone.
        case abort
    }

    private struct State {
        var buffer: [UInt8] = []
        var start = 0
        var isEnded = false
        var isStarved = false
        var readers = 0
        var wake: (@Sendable () -> Void)?
        var writer: CheckedContinuation<Void, Never>?
        var writerIsCancelled = false
    }

    private static let capacity = 256 << 10
    private let state = Mutex(State())

    /// From the loop's thread: what to call when a reader that had to wait can go on.
    func isRead(wake: @escaping @Sendable () -> Void) {
        state.withLock { state in
            state.readers += 1
            state.wake = wake
        }
    }

    /// From the loop's thread: the transfer is over.
    func isReadNoMore() {
        state.withLock { $0.wake = nil }
    }

    /// From the loop's thread: fills `room` with what is there.
    func take(into room: UnsafeMutableRawBufferPointer) -> Taking {
        let (taking, writer) = state.withLock { state -> (Taking, CheckedContinuation<Void, Never>?) in
            if state.readers > 1 { return (.abort, nil) }
            let left = state.buffer[state.start...]
            guard !left.isEmpty else {
                state.isStarved = !state.isEnded
                return (state.isEnded ? .end : .wait, nil)
            }
            let part = left.prefix(room.count)
            room.copyBytes(from: part)
            state.start += part.count
            guard state.start == state.buffer.count else { return (.bytes(part.count), nil) }
            state.buffer = []
            state.start = 0
            defer { state.writer = nil }
            return (.bytes(part.count), state.writer)
        }
        writer?.resume()
        return taking
    }

    /// Adds bytes; returns when there is room for more.
    func append(_ bytes: [UInt8]) async throws {
        let wake = state.withLock { state -> (@Sendable () -> Void)? in
            state.buffer += bytes
            defer { state.isStarved = false }
            return state.isStarved ? state.wake : nil
        }
        wake?()
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now = state.withLock { state in
                    if state.buffer.count < Self.capacity || state.writerIsCancelled { return true }
                    state.writer = continuation
                    return false
                }
                if now { continuation.resume() }
            }
        } onCancel: {
            state.withLock { state in
                state.writerIsCancelled = true
                defer { state.writer = nil }
                return state.writer
            }?.resume()
        }
        try Task.checkCancellation()
    }

    /// There is no more.
    func end() {
        state.withLock { state in
            state.isEnded = true
            return state.isStarved ? state.wake : nil
        }?()
    }
}
