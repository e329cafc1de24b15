/// What went through one network interface since it was made.
public struct InterfaceSample: Sendable, Equatable {
    /// The interface's name.
    public var name: String
    /// Received.
    public var received = Direction()
    /// Sent.
    public var transmitted = Direction()

    /// An interface that nothing went through.
    public init(name: String) { self.name = name }

    /// One direction.
    public struct Direction: Sendable, Equatable {
        /// Bytes.
        public var bytes: UInt64 = 0
        /// Packets.
        public var packets: UInt64 = 0
        /// Packets with errors.
        public var errors: UInt64 = 0
        /// Packets dropped.
        public var dropped: UInt64 = 0
    }

    /// The interfaces of a process's network namespace but loopback, from /proc/PID/net/dev (proc(5)).
    static func read(_ path: String, _ reader: borrowing FileReader) -> [InterfaceSample] {
        reader.read(path) { bytes in
            var found: [InterfaceSample] = []
            var text = Scanner(bytes)
            // Two lines of headings.
            text.skipLine()
            text.skipLine()
            while !text.isAtEnd {
                if let interface = InterfaceSample(&text), interface.name != "lo" { found.append(interface) }
                text.skipLine()
            }
            return found
        } ?? []
    }

    /// A line `  eth0: bytes packets errs drop fifo frame compressed multicast bytes packets errs drop …`.
    private init?(_ text: inout Scanner) {
        name = text.word(until: UInt8(ascii: ":")).text
        var values: [UInt64] = []
        while values.count < 12, let value = text.number() { values.append(value) }
        guard !name.isEmpty, values.count == 12 else { return nil }
        received = Direction(bytes: values[0], packets: values[1], errors: values[2], dropped: values[3])
        transmitted = Direction(bytes: values[8], packets: values[9], errors: values[10], dropped: values[11])
    }
}
