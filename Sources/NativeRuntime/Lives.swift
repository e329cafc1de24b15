internal import Runtime
internal import Synchronization

/// The processes that run, by container id: who waits for an end waits here.
final class Lives: Sendable {
    private struct Life: Sendable {
        var next: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Void, any Error>] = [:]
    }

    private let lives = Mutex<[String: Life]>([:])

    func begin(_ id: String) { lives.withLock { $0[id] = Life() } }

    /// It has ended, and everything that its end changes has been written.
    func end(_ id: String) {
        let waiters = lives.withLock { $0.removeValue(forKey: id)?.waiters ?? [:] }
        for waiter in waiters.values { waiter.resume() }
    }

    /// Whether it ends within `limit`; at once when it does not run.
    func ends(_ id: String, within limit: Duration) async throws -> Bool {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await self.wait(id)
                return true
            }
            group.addTask {
                try await Task.sleep(for: limit)
                return false
            }
            let first = try await group.next() ?? false
            group.cancelAll()
            return first
        }
    }

    private func wait(_ id: String) async throws {
        let number = lives.withLock { lives in
            lives[id]?.next += 1
            return lives[id]?.next
        }
        guard let number else { return }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let answer: Result<Void, any Error>? = lives.withLock { lives in
                    if lives[id] == nil { return .success(()) }
                    // Its handler may have run before there was a waiter to let go.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    lives[id]?.waiters[number] = continuation
                    return nil
                }
                if let answer { continuation.resume(with: answer) }
            }
        } onCancel: {
            let waiter = lives.withLock { $0[id]?.waiters.removeValue(forKey: number) }
            waiter?.resume(throwing: CancellationError())
        }
    }
}
