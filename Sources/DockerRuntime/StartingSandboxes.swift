internal import Linux
internal import Synchronization

/// The sandboxes that are being made, by Docker name: in memory, so that nobody sees one half done, and as marker
/// files, so that one which a crash left half done is known for what it is.
final class StartingSandboxes: Sendable {
    private let directory: String
    private let active = Mutex<Set<String>>([])
    private let abandoned: Mutex<Set<String>>

    init(root: String) throws {
        directory = "\(root)/starting"
        try Files.makeDirectories(directory, mode: 0o700)
        abandoned = Mutex(Set(try Files.names(in: directory)))
    }

    func begin(_ name: String) throws {
        try Files.replace("\(directory)/\(name)", with: [])
        active.withLock { _ = $0.insert(name) }
    }

    /// The sandbox is complete, or gone.
    func end(_ name: String) throws {
        try Files.remove("\(directory)/\(name)")
        active.withLock { _ = $0.remove(name) }
        abandoned.withLock { _ = $0.remove(name) }
    }

    /// It failed, and what there is of it could not be undone; whoever removes it ends it.
    func abandon(_ name: String) {
        active.withLock { _ = $0.remove(name) }
        abandoned.withLock { _ = $0.insert(name) }
    }

    /// We are at it.
    func isActive(_ name: String) -> Bool { active.withLock { $0.contains(name) } }

    /// Its making was interrupted, by a crash of ours or by the loss of Docker; it will never be READY.
    func isAbandoned(_ name: String) -> Bool { abandoned.withLock { $0.contains(name) } }

    /// Forgets the markers of sandboxes that do not exist.
    func sweep(existing: Set<String>) {
        for name in abandoned.withLock({ $0.subtracting(existing) }) {
            try? Files.remove("\(directory)/\(name)")
            abandoned.withLock { _ = $0.remove(name) }
        }
    }
}
