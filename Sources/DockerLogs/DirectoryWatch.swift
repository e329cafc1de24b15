internal import Glibc
internal import Linux

/// inotify on directories: tells which names in them changed.
final class DirectoryWatch: Sendable {
    /// One thing that happened.
    struct Event {
        /// The directory's number, -1 when events were lost.
        var watch: CInt
        /// The directory itself is gone and is no longer watched.
        var isGone: Bool
        /// The name in the directory; valid during the call only.
        var name: UnsafeRawBufferPointer
    }

    let descriptor: Descriptor

    init() throws {
        descriptor = Descriptor(owning: try system("inotify_init1") { inotify_init1(CInt(IN_CLOEXEC | IN_NONBLOCK)) })
    }

    /// Watches a directory; the same directory has the same number. Throws `SystemError`.
    func add(_ path: String) throws -> CInt {
        let mask = IN_MODIFY | IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_ONLYDIR
        let raw = descriptor.raw
        return try system("inotify_add_watch", path) { inotify_add_watch(raw, path, UInt32(mask)) }
    }

    func remove(_ watch: CInt) {
        inotify_rm_watch(descriptor.raw, watch)
    }

    /// Hands over all events that are waiting.
    func drain(_ handle: (Event) -> Void) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            do {
                let count = try descriptor.read(into: buffer)
                Self.decode(UnsafeRawBufferPointer(rebasing: buffer[..<count]), handle)
            } catch let error as SystemError where error.code == EAGAIN {
                return
            }
        }
    }

    private static func decode(_ events: UnsafeRawBufferPointer, _ handle: (Event) -> Void) {
        let header = MemoryLayout<inotify_event>.size
        var offset = 0
        while offset + header <= events.count {
            let event = events.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
            let end = min(events.count, offset + header + Int(event.len))
            let field = UnsafeRawBufferPointer(rebasing: events[(offset + header)..<end])
            let name = UnsafeRawBufferPointer(rebasing: field[..<(field.firstIndex(of: 0) ?? field.count)])
            let isLost = event.mask & UInt32(IN_Q_OVERFLOW) != 0
            let isGone = event.mask & UInt32(IN_IGNORED) != 0
            handle(Event(watch: isLost ? -1 : event.wd, isGone: isGone, name: name))
            offset = end
        }
    }
}
