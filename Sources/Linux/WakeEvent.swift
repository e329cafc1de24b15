internal import CLinux
public import Glibc

/// A flag that a thread waiting in poll(2) can see: an eventfd, set once.
public final class WakeEvent: Sendable {
    private let event: Descriptor

    /// A flag that is not set.
    public init() throws {
        event = Descriptor(owning: try system("eventfd") { fender_eventfd() })
    }

    /// Sets the flag, for ever; from any thread.
    public func set() {
        var one: UInt64 = 1
        // Fails only when the counter is full, and then the flag is set already.
        _ = Glibc.write(event.raw, &one, MemoryLayout<UInt64>.size)
    }

    /// What to hand to poll(2): readable once set.
    public var pollEntry: pollfd { pollfd(fd: event.raw, events: Int16(POLLIN), revents: 0) }

    /// Waits until the flag is set or the time is over; answers whether it is set. Blocks the thread.
    public func wait(milliseconds: CInt) -> Bool {
        var entries = [pollEntry]
        return poll(&entries, 1, milliseconds) > 0
    }
}
