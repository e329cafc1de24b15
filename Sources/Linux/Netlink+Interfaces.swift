internal import CLinux
internal import Glibc

/// An address of a network interface.
public struct InterfaceAddress: Sendable, Equatable {
    /// The address as text, `10.1.2.3` or `fd00::2`.
    public var address: String
    /// The prefix's length in bits.
    public var prefixLength: Int
    /// Whether it is an IPv6 address.
    public var isIPv6: Bool

    /// An address with its prefix.
    public init(address: String, prefixLength: Int, isIPv6: Bool) {
        self.address = address
        self.prefixLength = prefixLength
        self.isIPv6 = isIPv6
    }
}

extension Netlink {
    /// Sets an interface up. Throws SystemError, ENODEV when there is none of that name.
    public func bringUp(interface: String) throws {
        var change = ifinfomsg()
        change.ifi_index = CInt(try index(of: interface))
        change.ifi_flags = UInt32(FENDER_IFF_UP)
        change.ifi_change = UInt32(FENDER_IFF_UP)
        let payload = withUnsafeBytes(of: change) { Array($0) }
        try request(RTM_NEWLINK, flags: NLM_F_ACK, payload: payload) { _ in }
    }

    /// The interface's addresses of global scope that passed duplicate detection, IPv4 and IPv6.
    public func addresses(of interface: String) throws -> [InterfaceAddress] {
        guard let index = try? index(of: interface) else { return [] }
        var tries = 0
        while true {
            do {
                return try dumpAddresses(index)
            } catch let error as SystemError where error.code == EAGAIN && tries < 8 {
                // The list changed while the kernel walked it.
                tries += 1
            }
        }
    }

    func index(of interface: String) throws -> UInt32 {
        let index = if_nametoindex(interface)
        if index == 0 { throw SystemError(call: "if_nametoindex", object: interface, code: errno) }
        return index
    }

    private func dumpAddresses(_ index: UInt32) throws -> [InterfaceAddress] {
        var found: [InterfaceAddress] = []
        let question = [UInt8](repeating: 0, count: MemoryLayout<ifaddrmsg>.size)
        try request(RTM_GETADDR, flags: CInt(NLM_F_DUMP), payload: question) { message in
            guard message.type == UInt16(RTM_NEWADDR), let head = message.load(ifaddrmsg.self),
                head.ifa_index == index, head.ifa_scope == UInt8(RT_SCOPE_UNIVERSE.rawValue),
                let address = InterfaceAddress(head, message.attributes(after: MemoryLayout<ifaddrmsg>.size))
            else { return }
            found.append(address)
        }
        return found
    }
}

extension InterfaceAddress {
    fileprivate init?(_ head: ifaddrmsg, _ attributes: [UInt16: ArraySlice<UInt8>]) {
        // On a point-to-point interface IFA_ADDRESS is the peer's, IFA_LOCAL ours; IPv6 has the first alone.
        guard let bytes = attributes[UInt16(IFA_LOCAL)] ?? attributes[UInt16(IFA_ADDRESS)],
            head.ifa_flags & UInt8(IFA_F_DADFAILED) == 0
        else { return nil }
        let family = CInt(head.ifa_family)
        guard (family == AF_INET && bytes.count == 4) || (family == AF_INET6 && bytes.count == 16) else { return nil }
        guard let text = InterfaceAddress.text(of: Array(bytes)) else { return nil }
        address = text
        prefixLength = Int(head.ifa_prefixlen)
        isIPv6 = family == AF_INET6
    }
}

extension InterfaceAddress {
    /// An address as the kernel writes it (RFC 5952); nil for what is none.
    public static func canonical(_ text: String) -> String? { bytes(of: text).flatMap(self.text(of:)) }

    /// The 4 or 16 bytes of an address; nil for what is none.
    public static func bytes(of text: String) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &bytes) == 1 { return Array(bytes[..<4]) }
        return inet_pton(AF_INET6, text, &bytes) == 1 ? bytes : nil
    }

    /// The address of 4 or 16 bytes; nil for another number of them.
    public static func text(of bytes: [UInt8]) -> String? {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        let family = bytes.count == 4 ? AF_INET : AF_INET6
        var text = [CChar](repeating: 0, count: 64)
        guard inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil else { return nil }
        return text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } }
    }
}
