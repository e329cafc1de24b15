internal import Linux

/// A range of addresses, such as `10.83.0.0/16` or `fd00::/64`. Its first address is the gateway's.
public struct AddressRange: Sendable, Equatable {
    /// The network's bits, 4 or 16 bytes.
    let base: [UInt8]
    /// The prefix's length in bits.
    public let prefixLength: Int

    /// Whether it is of IPv6.
    public var isIPv6: Bool { base.count == 16 }

    /// Nil for what is no range, or one without room for a pod.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let length = Int(parts[1]), var bytes = InterfaceAddress.bytes(of: String(parts[0]))
        else { return nil }
        // A gateway, a pod, and in IPv4 a broadcast address.
        guard length >= 1, length <= bytes.count * 8 - 2 else { return nil }
        for bit in length..<(bytes.count * 8) { bytes[bit / 8] &= ~(0x80 >> (bit % 8)) }
        base = bytes
        prefixLength = length
    }

    /// How many addresses pods can have, at most 65,533: nobody has more pods on a node.
    public var capacity: Int {
        let bits = base.count * 8 - prefixLength
        return bits >= 16 ? 65_533 : (1 << bits) - (isIPv6 ? 2 : 3)
    }

    /// The gateway, which is the bridge's own address.
    public var gateway: String { text(offset: 1) }

    /// The pod address of that number, from 0.
    public func address(_ number: Int) -> String { text(offset: UInt32(number) + 2) }

    /// The range as `base/length`.
    public var description: String { "\(text(offset: 0))/\(prefixLength)" }

    private func text(offset: UInt32) -> String {
        var bytes = base
        for index in 0..<4 { bytes[bytes.count - 1 - index] |= UInt8(truncatingIfNeeded: offset >> (8 * index)) }
        return InterfaceAddress.text(of: bytes) ?? ""
    }
}
