internal import Glibc

/// Waits for something to happen to files or directories: an inotify(7) descriptor for one wait.
///
/// Make it, look at the files, then wait: what happens after the making is seen.
public struct FileWatch: ~Copyable, Sendable {
    private let inotify: Descriptor

    /// What happened.
    public enum Event: Sendable {
        /// One of the files changed, or so may have.
        case changed
        /// The wake event was set.
        case woken
        /// The time was over.
        case timeout
    }

    /// Names added, removed or written in a directory, and the directory itself moved or removed.
    public static let directoryEvents = UInt32(
        IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF)
    /// The last close of an opened file.
    public static let closeEvents = UInt32(IN_CLOSE_WRITE | IN_CLOSE_NOWRITE | IN_DELETE_SELF)

    /// Watches `paths` for `events`. Throws SystemError: ENOENT for a path that is not there, ENOSPC or EMFILE when the
    /// user's watches are used up.
    public init(_ paths: [String], events: UInt32) throws {
        inotify = try Self.open(paths, events)
    }

    private static func open(_ paths: [String], _ events: UInt32) throws -> Descriptor {
        let opened = Descriptor(owning: try system("inotify_init1") { inotify_init1(CInt(IN_CLOEXEC)) })
        let raw = opened.raw
        for path in paths {
            try system("inotify_add_watch", path) { inotify_add_watch(raw, path, events) }
        }
        return opened
    }

    /// Waits, blocking the thread; -1 milliseconds wait for ever.
    public func wait(_ wake: WakeEvent, milliseconds: CInt = -1) -> Event {
        var entries = [wake.pollEntry, pollfd(fd: inotify.raw, events: Int16(POLLIN), revents: 0)]
        while true {
            let ready = poll(&entries, 2, milliseconds)
            if ready == 0 { return .timeout }
            if ready > 0 { return entries[0].revents != 0 ? .woken : .changed }
        }
    }
}
