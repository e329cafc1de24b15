internal import Synchronization

/// Does once what many want at the same time: who comes while it runs waits for the same result.
///
/// The work is a task of its own, cancelled when the last who waits is gone. It never runs twice at a time for a key:
/// who comes while cancelled work winds up waits, and then it begins anew.
final class SingleFlight<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    typealias Work = @Sendable () async throws -> Value
    private typealias Waiter = CheckedContinuation<Value, any Error>

    private struct Flight {
        var work: Work
        var task: Task<Void, Never>
        var waiters: [Int: Waiter] = [:]
        var isCancelled = false
    }

    private struct State {
        var flights: [Key: Flight] = [:]
        var tickets = 0
    }

    private let state = Mutex(State())

    /// The result of `work`, or of the one that runs for the key already. A cancelled caller goes at once.
    func run(_ key: Key, _ work: @escaping Work) async throws -> Value {
        let ticket = state.withLock { state in
            state.tickets += 1
            return state.tickets
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { waiter in
                let joined = state.withLock { state in
                    // Set before the handler below ran; later it finds the waiter.
                    if Task.isCancelled { return false }
                    join(&state, key, ticket, waiter, work)
                    return true
                }
                if !joined { waiter.resume(throwing: CancellationError()) }
            }
        } onCancel: {
            leave(key, ticket)
        }
    }

    private func join(_ state: inout State, _ key: Key, _ ticket: Int, _ waiter: Waiter, _ work: @escaping Work) {
        if state.flights[key] == nil { state.flights[key] = Flight(work: work, task: start(key, work)) }
        state.flights[key]?.work = work
        state.flights[key]?.waiters[ticket] = waiter
    }

    private func start(_ key: Key, _ work: @escaping Work) -> Task<Void, Never> {
        Task {
            do {
                finish(key, .success(try await work()))
            } catch {
                finish(key, .failure(error))
            }
        }
    }

    private func finish(_ key: Key, _ result: Result<Value, any Error>) {
        let waiters = state.withLock { state -> [Waiter] in
            guard var flight = state.flights[key] else { return [] }
            if flight.isCancelled && !flight.waiters.isEmpty {
                flight.isCancelled = false
                flight.task = start(key, flight.work)
                state.flights[key] = flight
                return []
            }
            state.flights[key] = nil
            return Array(flight.waiters.values)
        }
        for waiter in waiters { waiter.resume(with: result) }
    }

    private func leave(_ key: Key, _ ticket: Int) {
        let waiter = state.withLock { state -> Waiter? in
            guard let waiter = state.flights[key]?.waiters.removeValue(forKey: ticket) else { return nil }
            if state.flights[key]?.waiters.isEmpty == true {
                state.flights[key]?.isCancelled = true
                state.flights[key]?.task.cancel()
            }
            return waiter
        }
        waiter?.resume(throwing: CancellationError())
    }
}
