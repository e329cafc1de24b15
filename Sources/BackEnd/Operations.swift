internal import Synchronization

/// Work that goes to its end whatever becomes of its callers, one at a time for each key.
///
/// A caller that gives up leaves the work running; the retry that follows joins it.
public final class Operations: Sendable {
    private let running = Mutex<[String: Task<String, any Error>]>([:])

    /// With nothing under way.
    public init() {}

    /// Runs `body` unless the same is under way, and waits for the outcome or the caller's cancellation.
    @discardableResult
    public func run(_ key: String, _ body: @escaping @Sendable () async throws -> String) async throws -> String {
        try await outcome(of: task(for: key, body))
    }

    /// The task that works on `key`: the one under way, or a new one.
    public func task(
        for key: String, _ body: @escaping @Sendable () async throws -> String
    ) -> Task<String, any Error> {
        running.withLock { running in
            if let task = running[key] { return task }
            let task = Task {
                defer { self.running.withLock { $0[key] = nil } }
                return try await body()
            }
            running[key] = task
            return task
        }
    }

    /// The same for work without an answer.
    public func complete(_ key: String, _ body: @escaping @Sendable () async throws -> Void) async throws {
        _ = try await run(key) { () async throws -> String in
            try await body()
            return ""
        }
    }

    /// Whether work on `key` is under way.
    public func isRunning(_ key: String) -> Bool { running.withLock { $0[key] != nil } }

    /// Waits for a task, or until the caller is cancelled; the task is not.
    private func outcome(of task: Task<String, any Error>) async throws -> String {
        let waiter = Waiter()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                waiter.wait(continuation)
                Task { waiter.resume(await task.result) }
            }
        } onCancel: {
            waiter.resume(.failure(CancellationError()))
        }
    }

    private final class Waiter: Sendable {
        private enum State: Sendable {
            case new
            case waiting(CheckedContinuation<String, any Error>)
            case resumed(Result<String, any Error>)
            case done
        }
        private let state = Mutex(State.new)

        func wait(_ continuation: CheckedContinuation<String, any Error>) {
            let early: Result<String, any Error>? = state.withLock { state in
                if case .resumed(let result) = state {
                    state = .done
                    return result
                }
                state = .waiting(continuation)
                return nil
            }
            if let early { continuation.resume(with: early) }
        }

        func resume(_ result: Result<String, any Error>) {
            let continuation: CheckedContinuation<String, any Error>? = state.withLock { state in
                switch state {
                case .new:
                    state = .resumed(result)
                    return nil
                case .waiting(let continuation):
                    state = .done
                    return continuation
                case .resumed, .done:
                    return nil
                }
            }
            continuation?.resume(with: result)
        }
    }
}
