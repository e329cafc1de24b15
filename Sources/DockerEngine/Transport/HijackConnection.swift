internal import Linux
internal import Synchronization

/// One hijacked connection: what its users and the thread of ``HijackLoop`` share.
///
/// `@unchecked Sendable`: `wire` belongs to the thread from the first kick on; the rest is in `state`.
final class HijackConnection: @unchecked Sendable {
    enum Opening: Sendable {
        case hijacked(HTTPHead)
        case refused(Response)
    }

    struct State {
        /// Until the head has come, all that came; then what nobody has read yet.
        var inbound: [UInt8] = []
        /// What nobody has sent yet.
        var outbound: [UInt8] = []
        /// What the thread has taken from `outbound` and not sent.
        var sending = 0
        var isOpen = false
        /// The peer has ended its direction.
        var isAtEnd = false
        /// No more is written after what is queued.
        var endsWriting = false
        /// Nothing can be written any more.
        var isDeaf = false
        /// Why the connection is over.
        var failure: (any Error)?
        var opener: CheckedContinuation<Opening, any Error>?
        var reader: CheckedContinuation<Void, Never>?
        var writers: [CheckedContinuation<Void, Never>] = []
    }

    /// Bytes above which the thread stops reading, and above which a writer waits.
    static let capacity = 256 << 10

    let token: UInt64
    let loop: HijackLoop
    let state: Mutex<State>
    var wire: Wire

    init(owning socket: CInt, sending request: [UInt8], loop: HijackLoop) {
        token = loop.nextToken()
        self.loop = loop
        wire = Wire(socket: Descriptor(owning: socket))
        var state = State()
        state.outbound = request
        self.state = Mutex(state)
    }

    /// Sends the request; returns when the answer's head, or for a refusal all of it, is there.
    func open() async throws -> Opening {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let failure = state.withLock { state in
                    if state.failure == nil { state.opener = continuation }
                    return state.failure
                }
                if let failure { return continuation.resume(throwing: failure) }
                kick()
            }
        } onCancel: {
            end(CancellationError())
            kick()
        }
    }

    /// The next bytes; nil at the end.
    func read() async throws -> [UInt8]? {
        while true {
            try Task.checkCancellation()
            let (bytes, isOver, wasFull) = try state.withLock { state in
                if let failure = state.failure { throw failure }
                defer { state.inbound = [] }
                return (state.inbound, state.isAtEnd, state.inbound.count >= Self.capacity)
            }
            if wasFull { kick() }
            if !bytes.isEmpty { return bytes }
            if isOver { return nil }
            await untilReadable()
        }
    }

    private func untilReadable() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now = state.withLock { state -> CheckedContinuation<Void, Never>? in
                    if !state.inbound.isEmpty || state.isAtEnd || state.failure != nil { return continuation }
                    // A second reader takes the first one's place; the first looks again.
                    defer { state.reader = continuation }
                    return state.reader
                }
                now?.resume()
            }
        } onCancel: {
            end(CancellationError())
            kick()
        }
    }

    /// Queues bytes; returns when there is room for more.
    func write(_ bytes: [UInt8]) async throws {
        try Task.checkCancellation()
        try state.withLock { state in
            try state.checkWritable()
            state.outbound += bytes
        }
        kick()
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now = state.withLock { state in
                    let isFull = state.outbound.count + state.sending > Self.capacity
                    if !isFull || state.isDeaf || state.failure != nil { return true }
                    state.writers.append(continuation)
                    return false
                }
                if now { continuation.resume() }
            }
        } onCancel: {
            end(CancellationError())
            kick()
        }
        try Task.checkCancellation()
    }

    /// Ends the direction to the peer after what is queued.
    func endWriting() {
        state.withLock { $0.endsWriting = true }
        kick()
    }

    /// Marks the connection as over and wakes who waits for it; the thread closes it when kicked.
    func end(_ error: any Error) {
        let (opener, waiters) = state.withLock { state in
            if state.failure == nil { state.failure = error }
            state.inbound = []
            state.outbound = []
            return (state.takeOpener(), state.takeWaiters())
        }
        opener?.resume(throwing: error)
        for waiter in waiters { waiter.resume() }
    }

    /// Has the thread look at the connection; ends it when there is no thread any more.
    func kick() {
        if !loop.kick(self) { end(DockerError(.unavailable, message: "the client was closed")) }
    }
}

extension HijackConnection.State {
    func checkWritable() throws {
        if let failure { throw failure }
        if isDeaf || endsWriting {
            throw DockerError(.unavailable, message: "the process's standard input is closed")
        }
    }

    /// Drops the head. One who ended the connection meanwhile has dropped all.
    mutating func drop(_ count: Int) {
        inbound.removeFirst(min(count, inbound.count))
    }

    mutating func takeOpener() -> CheckedContinuation<HijackConnection.Opening, any Error>? {
        defer { opener = nil }
        return opener
    }

    mutating func takeReader() -> CheckedContinuation<Void, Never>? {
        defer { reader = nil }
        return reader
    }

    mutating func takeWaiters() -> [CheckedContinuation<Void, Never>] {
        defer { writers = [] }
        return writers + (takeReader().map { [$0] } ?? [])
    }
}
