internal import Synchronization

/// Readings that events ask for: one at a time for each id, and once more when news came in meanwhile.
final class Refreshes: Sendable {
    private enum State {
        case running
        case runningAndDirty
    }
    private let states = Mutex<[String: State]>([:])

    /// Runs `body` in the background for `id`, as often as needed to have run once after this call.
    ///
    /// Nothing runs when none is under way and `isKnown` says that the news has been taken in already, as it mostly
    /// has when the event tells of what we did ourselves.
    func request(
        _ id: String, unless isKnown: () -> Bool = { false }, _ body: @escaping @Sendable () async -> Void
    ) {
        let starts = states.withLock { states in
            guard states[id] == nil else {
                states[id] = .runningAndDirty
                return false
            }
            if isKnown() { return false }
            states[id] = .running
            return true
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
