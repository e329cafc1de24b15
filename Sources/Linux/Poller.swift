internal import CLinux
internal import Glibc

/// An epoll(7) instance that other threads can wake.
///
/// One thread waits; ``wake()`` is for any thread.
public final class Poller: Sendable {
    /// What a descriptor is watched for, or is ready for.
    public struct Events: OptionSet, Sendable, Hashable {
        /// The kernel's bits.
        public let rawValue: UInt32

        /// The kernel's bits.
        public init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        /// There is something to read, or the end.
        public static let readable = Events(rawValue: UInt32(FENDER_EPOLL_IN))
        /// There is room to write.
        public static let writable = Events(rawValue: UInt32(FENDER_EPOLL_OUT))
    }

    private static let wakeToken = UInt64.max
    private let epoll: Descriptor
    private let waker: Descriptor

    /// Throws ``SystemError`` when there is no descriptor left.
    public init() throws {
        epoll = Descriptor(owning: try system("epoll_create1") { fender_epoll_create() })
        waker = Descriptor(owning: try system("eventfd") { fender_epoll_waker() })
        try watch(waker, for: .readable, instead: [], token: Self.wakeToken)
    }

    /// Watches a descriptor for `events` instead of for what it was watched before; `[]` is not watched at all, not
    /// even for a hang-up. `token` comes back from ``wait(milliseconds:)``; `UInt64.max` is taken.
    public func watch(
        _ descriptor: borrowing Descriptor, for events: Events, instead old: Events, token: UInt64
    ) throws {
        guard events != old else { return }
        let (raw, watched) = (descriptor.raw, old.isEmpty ? CInt(0) : 1)
        try system("epoll_ctl") { fender_epoll_watch(epoll.raw, raw, watched, events.rawValue, token) }
    }

    /// Ends the present or the next ``wait(milliseconds:)``.
    public func wake() {
        var one: UInt64 = 1
        // Fails only when the counter is full, and then the waiter is awake already.
        _ = write(waker.raw, &one, MemoryLayout<UInt64>.size)
    }

    /// Waits for events; answers the tokens of what is ready, none when woken or when the time is over. Negative
    /// waits for ever.
    public func wait(milliseconds: CInt = -1) throws -> [UInt64] {
        try withUnsafeTemporaryAllocation(of: fender_epoll_event.self, capacity: 64) { events in
            let count = try system("epoll_wait") {
                fender_epoll_wait(epoll.raw, events.baseAddress, 64, milliseconds)
            }
            return events.prefix(Int(count)).compactMap { event in
                guard event.token == Self.wakeToken else { return event.token }
                var value: UInt64 = 0
                _ = read(waker.raw, &value, MemoryLayout<UInt64>.size)
                return nil
            }
        }
    }
}
