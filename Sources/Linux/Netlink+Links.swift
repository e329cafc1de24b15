internal import CLinux
internal import Glibc

/// Attributes of a request, one behind the other (rtnetlink(7)).
struct NetlinkAttributes {
    private(set) var bytes: [UInt8] = []

    mutating func add(_ type: Int, _ value: [UInt8]) {
        let length = UInt16(4 + value.count)
        for number in [length, UInt16(type)] { bytes += withUnsafeBytes(of: number) { Array($0) } }
        bytes += value
        while bytes.count % 4 != 0 { bytes.append(0) }
    }

    mutating func add(_ type: Int, text: String) { add(type, Array(text.utf8) + [0]) }

    mutating func add(_ type: Int, number: UInt32) { add(type, withUnsafeBytes(of: number) { Array($0) }) }

    /// An attribute of attributes, behind a fixed structure if there is one.
    mutating func nest(_ type: Int, after head: [UInt8] = [], _ fill: (inout NetlinkAttributes) -> Void) {
        var inner = NetlinkAttributes()
        fill(&inner)
        add(type, head + inner.bytes)
    }
}

/// Changes of interfaces, addresses and routes, in the network namespace of the thread that made the socket. All throw
/// SystemError.
extension Netlink {
    /// Makes a bridge, with a hardware address of its own so that it does not change with the interfaces in it; one
    /// that is there already is fine.
    public func makeBridge(_ name: String) throws {
        var attributes = NetlinkAttributes()
        attributes.add(IFLA_IFNAME, text: name)
        var random = SystemRandomNumberGenerator()
        // Locally administered, to a single one.
        attributes.add(IFLA_ADDRESS, [0x02] + (0..<5).map { _ in UInt8.random(in: 0...255, using: &random) })
        attributes.nest(IFLA_LINKINFO) { $0.add(IFLA_INFO_KIND, text: "bridge") }
        do {
            try change(RTM_NEWLINK, flags: NLM_F_CREATE | NLM_F_EXCL, head: ifinfomsg(), attributes)
        } catch let error as SystemError where error.code == EEXIST {}
    }

    /// Makes a pair of interfaces, `peer` in the network namespace that the descriptor is of.
    public func makePair(_ name: String, peer: String, namespace: CInt) throws {
        var attributes = NetlinkAttributes()
        attributes.add(IFLA_IFNAME, text: name)
        attributes.nest(IFLA_LINKINFO) { info in
            info.add(IFLA_INFO_KIND, text: "veth")
            info.nest(IFLA_INFO_DATA) { data in
                data.nest(VETH_INFO_PEER, after: withUnsafeBytes(of: ifinfomsg()) { Array($0) }) { other in
                    other.add(IFLA_IFNAME, text: peer)
                    other.add(IFLA_NET_NS_FD, number: UInt32(namespace))
                }
            }
        }
        try change(RTM_NEWLINK, flags: NLM_F_CREATE | NLM_F_EXCL, head: ifinfomsg(), attributes)
    }

    /// Puts an interface into a bridge; what comes in by it may go out by it again.
    public func attach(_ interface: String, to bridge: String) throws {
        var master = NetlinkAttributes()
        master.add(IFLA_MASTER, number: try index(of: bridge))
        try change(RTM_NEWLINK, head: try head(interface), master)
        var port = NetlinkAttributes()
        port.nest(IFLA_PROTINFO | Int(NLA_F_NESTED)) { $0.add(IFLA_BRPORT_MODE, [1]) }
        var head = try head(interface)
        head.ifi_family = UInt8(AF_BRIDGE)
        try change(RTM_SETLINK, head: head, port)
    }

    /// Gives an interface an address, at once usable; one that it has already is fine.
    public func add(_ address: InterfaceAddress, to interface: String) throws {
        let bytes = try Self.bytes(address.address)
        var head = ifaddrmsg()
        head.ifa_family = UInt8(address.isIPv6 ? AF_INET6 : AF_INET)
        head.ifa_prefixlen = UInt8(address.prefixLength)
        head.ifa_flags = address.isIPv6 ? UInt8(IFA_F_NODAD) : 0
        head.ifa_index = try index(of: interface)
        var attributes = NetlinkAttributes()
        attributes.add(Int(IFA_LOCAL), bytes)
        attributes.add(Int(IFA_ADDRESS), bytes)
        do {
            try change(RTM_NEWADDR, flags: NLM_F_CREATE | NLM_F_EXCL, head: head, attributes)
        } catch let error as SystemError where error.code == EEXIST {}
    }

    /// Sends what is for nobody nearer to a neighbour.
    public func addDefaultRoute(by gateway: String) throws {
        let bytes = try Self.bytes(gateway)
        var head = rtmsg()
        head.rtm_family = UInt8(bytes.count == 16 ? AF_INET6 : AF_INET)
        head.rtm_table = UInt8(RT_TABLE_MAIN.rawValue)
        head.rtm_protocol = UInt8(RTPROT_BOOT)
        head.rtm_scope = UInt8(RT_SCOPE_UNIVERSE.rawValue)
        head.rtm_type = UInt8(RTN_UNICAST)
        var attributes = NetlinkAttributes()
        attributes.add(Int(RTA_GATEWAY.rawValue), bytes)
        try change(RTM_NEWROUTE, flags: NLM_F_CREATE | NLM_F_EXCL, head: head, attributes)
    }

    /// Removes an interface, and with one of a pair the other; none of that name is fine.
    public func remove(interface: String) throws {
        do {
            try change(RTM_DELLINK, head: try head(interface), NetlinkAttributes())
        } catch let error as SystemError where error.code == ENODEV {}
    }

    /// The hardware address of an interface, as `02:…`.
    public func hardwareAddress(of interface: String) throws -> String {
        var found: [UInt8] = []
        let payload = withUnsafeBytes(of: try head(interface)) { Array($0) }
        try request(RTM_GETLINK, flags: 0, payload: payload) { message in
            let attributes = message.attributes(after: MemoryLayout<ifinfomsg>.size)
            found = attributes[UInt16(IFLA_ADDRESS)].map(Array.init) ?? []
        }
        return found.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined(separator: ":")
    }

    private func head(_ interface: String) throws -> ifinfomsg {
        var head = ifinfomsg()
        head.ifi_index = CInt(try index(of: interface))
        return head
    }

    private func change<Head: BitwiseCopyable>(
        _ type: Int, flags: CInt = 0, head: Head, _ attributes: NetlinkAttributes
    ) throws {
        let payload = withUnsafeBytes(of: head) { Array($0) } + attributes.bytes
        try request(type, flags: NLM_F_ACK | flags, payload: payload) { _ in }
    }

    private static func bytes(_ address: String) throws -> [UInt8] {
        guard let bytes = InterfaceAddress.bytes(of: address) else {
            throw SystemError(call: "inet_pton", object: address, code: EINVAL)
        }
        return bytes
    }
}
