internal import Synchronization

/// Carries a body from libcurl's thread to one reader, and tells libcurl to pause while the reader lags.
final class BodyChannel: Sendable {
    enum Verdict {
        case taken
        /// Nothing was taken; the reader asks for the rest when it has room.
        case full
        /// Nobody reads any more.
        case closed
    }

    private struct State {
        var buffer: [UInt8] = []
        var isPaused = false
        var isClosed = false
        var end: Result<Void, any Error>?
        var reader: CheckedContinuation<Void, Never>?

        mutating func takeReader() -> CheckedContinuation<Void, Never>? {
            defer { reader = nil }
            return reader
        }
    }

    /// Bytes above which libcurl pauses.
    private static let capacity = 256 << 10
    private let state = Mutex(State())

    /// From libcurl: more of the body.
    func push(_ bytes: UnsafeRawBufferPointer) -> Verdict {
        let (verdict, reader) = state.withLock { state -> (Verdict, CheckedContinuation<Void, Never>?) in
            if state.isClosed { return (.closed, nil) }
            if !state.buffer.isEmpty && state.buffer.count + bytes.count > Self.capacity {
                state.isPaused = true
                return (.full, nil)
            }
            state.buffer.append(contentsOf: bytes)
            return (.taken, state.takeReader())
        }
        reader?.resume()
        return verdict
    }

    /// From libcurl: the body's end, or why there is no more of it.
    func finish(_ error: (any Error)?) {
        state.withLock { state in
            if state.end == nil { state.end = error.map { .failure($0) } ?? .success(()) }
            return state.takeReader()
        }?.resume()
    }

    /// Nobody reads any more.
    func close() {
        state.withLock { state in
            state.isClosed = true
            state.buffer = []
            return state.takeReader()
        }?.resume()
    }

    enum Reading {
        /// What was there; `resume` when libcurl waits for the room.
        case bytes([UInt8], resume: Bool)
        case end
        case nothing
    }

    /// Takes all that is there. Throws why there is no more.
    func take() throws -> Reading {
        try state.withLock { state in
            if state.isClosed { throw DockerError(.unavailable, message: "the stream was closed") }
            if !state.buffer.isEmpty {
                defer {
                    state.buffer = []
                    state.isPaused = false
                }
                return .bytes(state.buffer, resume: state.isPaused)
            }
            guard let end = state.end else { return .nothing }
            try end.get()
            return .end
        }
    }

    /// Waits until ``take()`` answers something else than nothing.
    func wait() async {
        await withCheckedContinuation { continuation in
            let now = state.withLock { state -> CheckedContinuation<Void, Never>? in
                if state.isClosed || !state.buffer.isEmpty || state.end != nil { return continuation }
                // A second reader would take the first one's place: wake the first, it looks again.
                let first = state.takeReader()
                state.reader = continuation
                return first
            }
            now?.resume()
        }
    }
}
