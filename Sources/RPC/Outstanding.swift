internal import Synchronization

/// Counts what may still start an operation of the core: standing requests for calls, and calls.
///
/// The core tells that a server has stopped when its connections are gone, which is before the last of these is done
/// with. Shutting the queue down earlier would make the core abort the process.
final class Outstanding: Sendable {
    /// Opens when nothing is left. The standing requests are renewed until the server stops, so that is the end.
    let none = Latch()
    private let count = Atomic(0)

    func enter() {
        count.add(1, ordering: .relaxed)
    }

    func leave() {
        if count.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { none.open() }
    }
}
