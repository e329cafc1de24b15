/// A piece of what a container's process wrote.
///
/// A frame of Docker's may come in several pieces.
public struct StreamFrame: Sendable, Hashable {
    /// Which stream it belongs to; the values are the wire's.
    public enum Stream: UInt8, Sendable {
        /// The standard input, echoed by attach.
        case stdin = 0
        /// The standard output; with a terminal everything.
        case stdout = 1
        /// The standard error.
        case stderr = 2
        /// An error of the daemon's own, as text.
        case systemError = 3
    }

    /// Which stream it belongs to.
    public var stream: Stream
    /// The bytes.
    public var bytes: [UInt8]

    /// A piece of a stream.
    public init(stream: Stream, bytes: [UInt8]) {
        self.stream = stream
        self.bytes = bytes
    }
}
