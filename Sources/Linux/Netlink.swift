internal import CLinux
internal import Glibc

/// A route netlink socket in the network namespace of the thread that makes it.
public struct Netlink: ~Copyable {
    private let socket: Descriptor

    /// Opens the socket.
    public init() throws {
        socket = try Self.open()
    }

    private static func open() throws -> Descriptor {
        let kind = CInt(SOCK_RAW.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        let opened = Descriptor(
            owning: try system("socket", "netlink") { Glibc.socket(AF_NETLINK, kind, NETLINK_ROUTE) })
        // The kernel answers at once; the limit is there so that a lost answer is an error and not a stuck thread.
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        let raw = opened.raw
        try system("setsockopt", "netlink") {
            setsockopt(raw, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        return opened
    }

    /// Sends a request and hands over each message of the answer. A dump that the kernel calls inconsistent is EAGAIN.
    func request(_ type: Int, flags: CInt, payload: [UInt8], _ body: (NetlinkMessage) throws -> Void) throws {
        let length = MemoryLayout<nlmsghdr>.size + payload.count
        var header = nlmsghdr()
        header.nlmsg_len = UInt32(length)
        header.nlmsg_type = UInt16(type)
        header.nlmsg_flags = UInt16(NLM_F_REQUEST | flags)
        header.nlmsg_seq = 1
        let message = withUnsafeBytes(of: header) { Array($0) } + payload
        let raw = socket.raw
        try message.withUnsafeBytes { bytes in
            _ = try system("send", "netlink") { send(raw, bytes.baseAddress, bytes.count, 0) }
        }
        while try receive(body) {}
    }

    /// Takes one datagram; answers whether more belongs to the answer.
    private func receive(_ body: (NetlinkMessage) throws -> Void) throws -> Bool {
        let raw = socket.raw
        // The kernel fills dumps up to 32 KiB when the reader's buffer has that.
        let bytes = try [UInt8](unsafeUninitializedCapacity: 32 << 10) { buffer, count in
            count = try system("recv", "netlink") { recv(raw, buffer.baseAddress, 32 << 10, 0) }
        }
        var offset = 0
        while let message = NetlinkMessage(bytes, at: &offset) {
            if message.isInterrupted { throw SystemError(call: "recv", object: "netlink", code: EAGAIN) }
            if message.type == UInt16(NLMSG_DONE) { return false }
            if message.type == UInt16(NLMSG_ERROR) {
                let code = message.errorCode
                if code == 0 { return false }
                throw SystemError(call: "request", object: "netlink", code: code)
            }
            try body(message)
            if !message.isPart { return false }
        }
        return true
    }
}

/// A message that the kernel sent: its payload is bounded by the datagram, whatever its header says.
struct NetlinkMessage {
    let type: UInt16
    private let flags: UInt16
    let payload: ArraySlice<UInt8>

    /// The message at `offset`, which moves behind it; nil when no whole message is left.
    init?(_ bytes: [UInt8], at offset: inout Int) {
        let size = MemoryLayout<nlmsghdr>.size
        guard bytes.count - offset >= size else { return nil }
        let header = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: nlmsghdr.self) }
        let length = Int(header.nlmsg_len)
        guard length >= size, length <= bytes.count - offset else { return nil }
        type = header.nlmsg_type
        flags = header.nlmsg_flags
        payload = bytes[offset + size..<offset + length]
        offset += (length + 3) & ~3
    }

    var isPart: Bool { flags & UInt16(NLM_F_MULTI) != 0 }
    var isInterrupted: Bool { flags & UInt16(NLM_F_DUMP_INTR) != 0 }

    /// The errno value of an NLMSG_ERROR; 0 is an acknowledgement.
    var errorCode: CInt { CInt(clamping: (load(CInt.self) ?? -EPROTO).magnitude) }

    /// The fixed structure that the payload begins with.
    func load<Value: BitwiseCopyable>(_ type: Value.Type) -> Value? {
        guard payload.count >= MemoryLayout<Value>.size else { return nil }
        return payload.withUnsafeBytes { $0.loadUnaligned(as: type) }
    }

    /// The attributes behind a fixed structure of `size` bytes, by type; the last of a kind wins.
    func attributes(after size: Int) -> [UInt16: ArraySlice<UInt8>] {
        var found: [UInt16: ArraySlice<UInt8>] = [:]
        var offset = payload.startIndex + ((size + 3) & ~3)
        while payload.endIndex - offset >= 4 {
            let length = Int(payload[offset]) | Int(payload[offset + 1]) << 8
            let type = UInt16(payload[offset + 2]) | UInt16(payload[offset + 3]) << 8
            guard length >= 4, length <= payload.endIndex - offset else { break }
            found[type & 0x3fff] = payload[offset + 4..<offset + length]
            offset += (length + 3) & ~3
        }
        return found
    }
}
