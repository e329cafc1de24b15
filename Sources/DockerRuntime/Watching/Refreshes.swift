internal import Synchronization

/// Readings that events ask for: one at a time for each id, and once more when news came in meanwhile.
final class Refreshes: Sendable {
    private enum State {
        case running
        case runningAndDirty
    }
    private let states = Mutex<[String: State]>([:])

    /// Runs `body` in the background for `id`, as often as needed to have run once after this call.
    func request(_ id: String, _ body: @escaping @Sendable () async -> Void) {
        let starts = states.withLock { states in
            defer { states[id] = states[id] == nil ? .running : .runningAndDirty }
            return states[id] == nil
        }
        if !starts { return }
        Task {
            repeat { await body() } while goesOn(id)
        }
    }

    private func goesOn(_ id: String) -> Bool {
        states.withLock { states in
            let again = states[id] == .runningAndDirty
            states[id] = again ? .running : nil
            return again
        }
    }
}
