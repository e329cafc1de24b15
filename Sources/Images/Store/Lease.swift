internal import Synchronization

/// Keeps blobs and layers from being collected while work that is in flight relies on them.
final class Lease: Sendable {
    private let store: ImageStore
    private let digests = Mutex<[Digest]>([])

    init(_ store: ImageStore) { self.store = store }

    deinit {
        let held = digests.withLock { $0 }
        store.holds.withLock { $0.release(held) }
    }

    /// From now on these stay, if they are there. Waits for a collection that is under way: blocks.
    func add(_ new: [Digest]) {
        store.holds.withLock { $0.lease(new) }
        digests.withLock { $0 += new }
    }
}
