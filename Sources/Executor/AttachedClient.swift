internal import CExecutor
internal import Glibc
public import Linux

/// A connection to the streams of a container's own process.
///
/// The supervisor never waits for us: what we do not take in time, about a megabyte, is lost to us, and we are told how
/// much.
public struct AttachedClient: ~Copyable, Sendable {
    /// Which streams a client has; with a terminal there is no stderr.
    public struct Streams: OptionSet, Sendable {
        /// FENDER_WANT_* bits.
        public let rawValue: UInt8

        /// FENDER_WANT_* bits.
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// It sends input.
        public static let stdin = Streams(rawValue: UInt8(FENDER_WANT_INPUT.rawValue))
        /// It takes the output.
        public static let stdout = Streams(rawValue: UInt8(FENDER_WANT_OUTPUT.rawValue))
        /// It takes the errors.
        public static let stderr = Streams(rawValue: UInt8(FENDER_WANT_ERRORS.rawValue))
    }

    /// What the supervisor sends.
    public enum Message: Sendable, Equatable {
        /// Bytes of the output or the terminal.
        case output([UInt8])
        /// Bytes of the errors.
        case errors([UInt8])
        /// So many bytes are missing before what comes next.
        case lost(UInt64)
        /// All has been sent: the process has ended, or the supervisor has.
        case end
    }

    /// The most bytes of input in one message.
    public static let inputLimit = Int(FENDER_MESSAGE_LIMIT)

    /// The socket, for poll(2) and its like; it does not block. It keeps the bounds of messages (SOCK_SEQPACKET).
    public let socket: Descriptor

    init(_ socket: consuming Descriptor) { self.socket = socket }

    /// The next message; nil when there is none yet.
    public func receive() throws -> Message? {
        let raw = socket.raw
        return try withUnsafeTemporaryAllocation(byteCount: Self.inputLimit + 1, alignment: 16) { buffer in
            while true {
                let count = recv(raw, buffer.baseAddress, buffer.count, CInt(MSG_DONTWAIT))
                if count < 0 && errno == EINTR { continue }
                if count < 0 && errno == EAGAIN { return nil }
                if count < 0 && errno == ECONNRESET { return .end }
                if count < 0 { throw SystemError(call: "recv", object: "supervisor", code: errno) }
                if let message = Self.decode(UnsafeRawBufferPointer(rebasing: buffer[..<count])) { return message }
            }
        }
    }

    /// Reads a message; nil for one that we have no use for.
    static func decode(_ message: UnsafeRawBufferPointer) -> Message? {
        guard let kind = message.first else { return .end }
        let rest = message.dropFirst()
        switch UInt32(kind) {
        case FENDER_OUTPUT.rawValue: return .output([UInt8](rest))
        case FENDER_ERRORS.rawValue: return .errors([UInt8](rest))
        case FENDER_LOST.rawValue where rest.count == 8:
            return .lost(message.loadUnaligned(fromByteOffset: 1, as: UInt64.self))
        default: return nil
        }
    }

    /// Sends input, at most ``inputLimit`` bytes; false when the process takes none at the moment, and the socket is not
    /// writable until it does. Throws SystemError EPIPE when the supervisor is gone.
    public func send(_ input: some Collection<UInt8>) throws -> Bool {
        let message = [UInt8(FENDER_INPUT.rawValue)] + input.prefix(Self.inputLimit)
        return try sendWhole(message)
    }

    /// Tells that no more input comes. The process sees the end of its input only if it was made so that the first
    /// client's is all it gets (``SupervisorOptions/stdinOnce``).
    public func closeInput() throws -> Bool { try sendWhole([UInt8(FENDER_CLOSE_INPUT.rawValue)]) }

    private func sendWhole(_ message: [UInt8]) throws -> Bool {
        let raw = socket.raw
        let flags = CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT)
        while true {
            let count = message.withUnsafeBytes { Glibc.send(raw, $0.baseAddress, $0.count, flags) }
            if count >= 0 { return true }
            if errno == EAGAIN { return false }
            if errno != EINTR { throw SystemError(call: "send", object: "supervisor", code: errno) }
        }
    }
}

extension Container {
    /// Connects to the streams of the process, from here on. Blocks the thread for a moment.
    public func attach(_ streams: AttachedClient.Streams) throws -> AttachedClient {
        try asking("attach to") { connection in
            try connection.command(FENDER_JOIN, [streams.rawValue])
            return AttachedClient(try connection.socket.nonblocking())
        }
    }
}
