internal import Synchronization

/// A lock for tasks: many who share, or one alone, in the order they came. Whoever holds it may await.
final class Gate: Sendable {
    private struct Waiter {
        var isExclusive: Bool
        var continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        /// How many share; -1 for one alone.
        var holders = 0
        var queue: [Waiter] = []

        mutating func enter(_ isExclusive: Bool) -> Bool {
            guard isExclusive ? holders == 0 : holders >= 0 else { return false }
            holders = isExclusive ? -1 : holders + 1
            return true
        }

        /// Who may go on now.
        mutating func admit() -> [CheckedContinuation<Void, Never>] {
            var admitted: [CheckedContinuation<Void, Never>] = []
            while let first = queue.first, enter(first.isExclusive) {
                admitted.append(queue.removeFirst().continuation)
            }
            return admitted
        }
    }

    private let state = Mutex(State())

    /// Runs `body` beside others who share.
    func shared<Value>(_ body: () async throws -> Value) async rethrows -> Value {
        try await hold(isExclusive: false, body)
    }

    /// Runs `body` alone.
    func alone<Value>(_ body: () async throws -> Value) async rethrows -> Value {
        try await hold(isExclusive: true, body)
    }

    private func hold<Value>(isExclusive: Bool, _ body: () async throws -> Value) async rethrows -> Value {
        await withCheckedContinuation { continuation in
            let isIn = state.withLock { state in
                // Nobody overtakes who waits.
                if state.queue.isEmpty && state.enter(isExclusive) { return true }
                state.queue.append(Waiter(isExclusive: isExclusive, continuation: continuation))
                return false
            }
            if isIn { continuation.resume() }
        }
        defer { leave() }
        return try await body()
    }

    /// How many wait.
    var waiting: Int { state.withLock { $0.queue.count } }

    private func leave() {
        let admitted = state.withLock { state in
            state.holders = state.holders < 0 ? 0 : state.holders - 1
            return state.admit()
        }
        for continuation in admitted { continuation.resume() }
    }
}
