internal import Glibc

/// Carries bytes from one thread to another through a few buffers that are used again and again.
///
/// One thread fills (`room`, `filled`, `finish`), one empties (`next`, `abandon`); each waits for the other.
///
/// `@unchecked Sendable`: `state` is only touched under `mutex`; a buffer belongs to the filling thread from `room` to
/// `filled` and to the emptying one from `next` to the call after it.
final class ChunkPipe: @unchecked Sendable {
    private struct State {
        /// Chunks filled and emptied so far.
        var filled = 0
        var emptied = 0
        /// Whether the emptying thread holds the chunk at `emptied`.
        var isHeld = false
        var end: Result<Void, any Error>?
        var isAbandoned = false
    }

    private let buffers: [UnsafeMutableRawBufferPointer]
    private let counts: UnsafeMutablePointer<Int>
    private var state = State()
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init(buffers count: Int = 8, of size: Int = 256 << 10) {
        buffers = (0..<count).map { _ in .allocate(byteCount: size, alignment: 4096) }
        counts = .allocate(capacity: count)
        counts.initialize(repeating: 0, count: count)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(changed, nil)
    }

    deinit {
        for buffer in buffers { buffer.deallocate() }
        counts.deallocate()
        pthread_mutex_destroy(mutex)
        pthread_cond_destroy(changed)
        mutex.deallocate()
        changed.deallocate()
    }

    private func locked<Value>(_ body: () throws -> Value) rethrows -> Value {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body()
    }

    /// A buffer to fill. Throws `CancellationError` when nobody empties any more.
    func room() throws -> UnsafeMutableRawBufferPointer {
        try locked {
            while state.filled - state.emptied == buffers.count && !state.isAbandoned {
                pthread_cond_wait(changed, mutex)
            }
            if state.isAbandoned { throw CancellationError() }
            return buffers[state.filled % buffers.count]
        }
    }

    /// Hands over the first `count` bytes of the buffer that ``room()`` gave.
    func filled(_ count: Int) {
        guard count > 0 else { return }
        locked {
            counts[state.filled % buffers.count] = count
            state.filled += 1
            pthread_cond_signal(changed)
        }
    }

    /// Nothing more comes, or why. The first call counts.
    func finish(throwing error: (any Error)? = nil) {
        locked {
            if state.end == nil { state.end = error.map { .failure($0) } ?? .success(()) }
            pthread_cond_signal(changed)
        }
    }

    /// The next chunk, valid until the next call; nil at the end. Throws why there is no end.
    func next() throws -> UnsafeRawBufferPointer? {
        try locked {
            if state.isHeld {
                state.isHeld = false
                state.emptied += 1
                pthread_cond_signal(changed)
            }
            while state.filled == state.emptied {
                if let end = state.end {
                    try end.get()
                    return nil
                }
                pthread_cond_wait(changed, mutex)
            }
            state.isHeld = true
            let index = state.emptied % buffers.count
            return UnsafeRawBufferPointer(rebasing: buffers[index][..<counts[index]])
        }
    }

    /// Nobody empties any more.
    func abandon() {
        locked {
            state.isAbandoned = true
            pthread_cond_signal(changed)
        }
    }
}
