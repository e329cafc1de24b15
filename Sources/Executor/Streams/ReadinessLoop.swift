internal import Linux
internal import Synchronization

/// One thread that waits until descriptors are ready, for tasks that must not.
public final class ReadinessLoop: Sendable {
    /// A descriptor that stays open as long as somebody waits for it.
    final class End: Sendable {
        let file: Descriptor

        init(_ file: consuming Descriptor) { self.file = file }

        convenience init?(_ file: consuming Descriptor?) {
            guard let file = file.take() else { return nil }
            self.init(file)
        }
    }

    private struct Wait {
        var ends: [End]
        var events: Poller.Events
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var waits: [UInt64: Wait] = [:]
        /// Cancelled before they waited.
        var cancelled: Set<UInt64> = []
        var next: UInt64 = 0
        var isStopped = false
    }

    private let poller: Poller
    private let state = Mutex(State())

    /// Starts the thread, which ends with ``stop()``. Throws SystemError.
    public init() throws {
        poller = try Poller()
        try Thread.start("fender-streams") { [self] in run() }
    }

    /// Ends the thread; who waits gets CancellationError.
    public func stop() {
        let waits = state.withLock { state in
            state.isStopped = true
            for wait in state.waits.values { forget(wait) }
            defer { state.waits = [:] }
            return state.waits.values.map(\.continuation)
        }
        poller.wake()
        waits.forEach { $0.resume(throwing: CancellationError()) }
    }

    /// Waits until one of the descriptors is ready, has ended or failed. Each may be waited for by one task at a time.
    ///
    /// Throws CancellationError when the task is cancelled, and SystemError.
    func ready(_ ends: [End], for events: Poller.Events) async throws {
        let token = state.withLock { state in
            state.next += 1
            return state.next
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let failure = add(Wait(ends: ends, events: events, continuation: continuation), token)
                if let failure { continuation.resume(throwing: failure) }
            }
        } onCancel: {
            cancel(token)
        }
        state.withLock { _ = $0.cancelled.remove(token) }
    }

    /// Registers under the lock: the thread, which takes it too, never sees half of a wait. Answers why not.
    private func add(_ wait: Wait, _ token: UInt64) -> (any Error)? {
        state.withLock { state in
            if state.isStopped || state.cancelled.remove(token) != nil { return CancellationError() }
            for (index, end) in wait.ends.enumerated() {
                do {
                    try poller.watch(end.file, for: wait.events, instead: [], token: token)
                } catch {
                    forget(Wait(ends: Array(wait.ends[..<index]), events: wait.events, continuation: wait.continuation))
                    return error
                }
            }
            state.waits[token] = wait
            return nil
        }
    }

    private func forget(_ wait: Wait) {
        // Of a descriptor that is open and watched: this does not fail.
        for end in wait.ends { try? poller.watch(end.file, for: [], instead: wait.events, token: 0) }
    }

    private func take(_ token: UInt64) -> Wait? {
        state.withLock { state in
            guard let wait = state.waits.removeValue(forKey: token) else { return nil }
            forget(wait)
            return wait
        }
    }

    private func cancel(_ token: UInt64) {
        let wait = state.withLock { state -> Wait? in
            guard let wait = state.waits.removeValue(forKey: token) else {
                state.cancelled.insert(token)
                return nil
            }
            forget(wait)
            return wait
        }
        wait?.continuation.resume(throwing: CancellationError())
    }

    private func run() {
        while !state.withLock({ $0.isStopped }) {
            // Only a bug of ours makes it fail; without it nobody would ever be told anything.
            guard let tokens = try? poller.wait() else { return stop() }
            for token in tokens { take(token)?.continuation.resume() }
        }
    }
}
