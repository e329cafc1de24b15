internal import Synchronization

/// Who may operate: one at a time for a sandbox, and garbage collection only when nobody else does.
final class AttachmentLocks: Sendable {
    enum Claim: Hashable, Sendable {
        case sandbox(String)
        case everything
    }

    private struct Waiter {
        let id: UInt64
        let claim: Claim
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var held: Set<Claim> = []
        var waiters: [Waiter] = []
        var nextID: UInt64 = 0
        /// Waits that were cancelled before they began.
        var cancelled: Set<UInt64> = []

        func allows(_ claim: Claim) -> Bool {
            switch claim {
            case .everything: held.isEmpty
            case .sandbox: !held.contains(claim) && !held.contains(.everything)
            }
        }
    }

    private let state = Mutex(State())

    /// Waits for the claim, in order of arrival for a sandbox. A claim on everything lets newcomers pass until the
    /// moment when it can be had, so that a hanging plugin does not hold up every pod. Throws CancellationError.
    func acquire(_ claim: Claim) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        // A cancellation that came after the claim was given left its mark.
        defer { state.withLock { _ = $0.cancelled.remove(id) } }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                enter(Waiter(id: id, claim: claim, continuation: continuation))
            }
        } onCancel: {
            cancel(id)
        }
    }

    /// Gives the claim back.
    func release(_ claim: Claim) {
        let granted = state.withLock { state in
            state.held.remove(claim)
            var granted: [Waiter] = []
            var remaining: [Waiter] = []
            for waiter in state.waiters {
                if state.allows(waiter.claim) {
                    state.held.insert(waiter.claim)
                    granted.append(waiter)
                } else {
                    remaining.append(waiter)
                }
            }
            state.waiters = remaining
            return granted
        }
        for waiter in granted { waiter.continuation.resume() }
    }

    private func enter(_ waiter: Waiter) {
        let outcome: Result<Void, any Error>? = state.withLock { state in
            if state.cancelled.remove(waiter.id) != nil { return .failure(CancellationError()) }
            guard state.allows(waiter.claim) else {
                state.waiters.append(waiter)
                return nil
            }
            state.held.insert(waiter.claim)
            return .success(())
        }
        if let outcome { waiter.continuation.resume(with: outcome) }
    }

    private func cancel(_ id: UInt64) {
        let waiter: Waiter? = state.withLock { state in
            guard let index = state.waiters.firstIndex(where: { $0.id == id }) else {
                state.cancelled.insert(id)
                return nil
            }
            return state.waiters.remove(at: index)
        }
        waiter?.continuation.resume(throwing: CancellationError())
    }
}
