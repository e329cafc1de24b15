internal import Glibc
internal import Linux
public import OCI

/// The built-in pod network as a plugin of the Container Network Interface (specification 1.0.0): a bridge of the host,
/// addresses out of ranges, host ports.
public struct BridgePlugin {
    /// What the plugin is asked, by its environment and standard input.
    public struct Request: Sendable {
        /// `CNI_CONTAINERID`.
        public var sandbox: String
        /// `CNI_NETNS`; empty where it is gone.
        public var namespace: String
        /// `CNI_IFNAME`.
        public var interface: String

        /// A request.
        public init(sandbox: String, namespace: String, interface: String) {
            self.sandbox = sandbox
            self.namespace = namespace
            self.interface = interface
        }
    }

    private let version: String
    private let bridge: String
    private let ranges: [AddressRange]
    private let directory: String
    private let ports: [PortMapping]

    private var rules: AddressRules { AddressRules(bridge: bridge, ranges: ranges) }

    /// By its configuration. Throws SpecError with the field that is wrong.
    public init(_ configuration: Field) throws {
        version = try configuration["cniVersion"].string() ?? "1.0.0"
        bridge = try configuration["bridge"].required()
        guard !bridge.isEmpty, bridge.utf8.count < 16, !bridge.contains(where: { "/\" ".contains($0) }) else {
            throw configuration["bridge"].error("is no name of an interface")
        }
        // What the kubelet or the settings say comes before the list's own.
        let given = try configuration["runtimeConfig"]["ipRanges"].array { set in
            try set.array { try $0["subnet"].required() }
        }.flatMap(\.self)
        let field = configuration["ranges"]
        ranges = try (given.isEmpty ? field.strings() : given).map { text in
            guard let range = AddressRange(text) else { throw field.error("\(text) is no range of addresses") }
            return range
        }.filter { !$0.isIPv6 || Files.exists("/proc/sys/net/ipv6") }
        guard !ranges.isEmpty else { throw field.error("is empty") }
        directory = try configuration["dataDir"].required()
        ports = try configuration["runtimeConfig"]["portMappings"].array { try PortMapping($0) }.compactMap(\.self)
    }

    /// ADD: what it made before it fails is undone by the DEL that follows. Answers the result.
    public func add(_ request: Request) throws -> JSON {
        let pool = try AddressPool(directory: directory)
        guard try pool.addresses(of: request.sandbox).isEmpty else {
            throw BridgeError("\(request.sandbox) is attached already", code: 4)
        }
        let namespace = try Descriptor.open(request.namespace, O_RDONLY)
        try prepareHost()
        var addresses: [(AddressRange, String)] = []
        for range in ranges { addresses.append((range, try pool.take(from: range, for: request.sandbox))) }
        let host = Self.hostInterface(request.sandbox)
        let netlink = try Netlink()
        try netlink.makePair(host, peer: request.interface, namespace: namespace.raw)
        try netlink.attach(host, to: bridge)
        try netlink.bringUp(interface: host)
        let hardware = try Self.configure(request.interface, addresses, namespace)
        for (_, address) in addresses {
            try pool.note(ports, of: address, request.sandbox)
            try rules.open(ports, to: address)
        }
        return result(request, host: host, hardware: hardware, addresses)
    }

    /// DEL: whatever there is of the sandbox goes; nothing there is fine.
    public func delete(_ request: Request) throws {
        let pool = try AddressPool(directory: directory)
        let held = try pool.addresses(of: request.sandbox)
        for (address, ports) in held { try rules.close(ports, to: address) }
        // The pod's end goes with it.
        try Netlink().remove(interface: Self.hostInterface(request.sandbox))
        for (address, _) in held { try pool.release(address) }
    }

    /// CHECK: the interface must be there with the sandbox's addresses. Throws ``BridgeError``.
    public func check(_ request: Request) throws {
        let expected = Set(try AddressPool(directory: directory).addresses(of: request.sandbox).map(\.address))
        let namespace = try Descriptor.open(request.namespace, O_RDONLY)
        let found = try Self.inside(namespace) { try Netlink().addresses(of: request.interface).map(\.address) }
        guard !expected.isEmpty, expected.isSubset(of: found) else {
            throw BridgeError("\(request.interface) has \(found), not \(expected.sorted())")
        }
    }

    private func prepareHost() throws {
        let netlink = try Netlink()
        try netlink.makeBridge(bridge)
        for range in ranges {
            let own = InterfaceAddress(
                address: range.gateway, prefixLength: range.prefixLength, isIPv6: range.isIPv6)
            try netlink.add(own, to: bridge)
            try Files.poke("/proc/sys/net/\(range.isIPv6 ? "ipv6/conf/all/forwarding" : "ipv4/ip_forward")", "1")
        }
        try netlink.bringUp(interface: bridge)
        try Files.poke("/proc/sys/net/ipv4/conf/\(bridge)/route_localnet", "1")
        try rules.install()
    }

    /// Gives the pod's end its addresses and routes; answers its hardware address.
    private static func configure(
        _ interface: String, _ addresses: [(AddressRange, String)], _ namespace: borrowing Descriptor
    ) throws -> String {
        try inside(namespace) {
            let netlink = try Netlink()
            if addresses.contains(where: \.0.isIPv6) {
                // Docker turns it off in its pods' namespaces.
                try Files.poke("/proc/sys/net/ipv6/conf/\(interface)/disable_ipv6", "0")
                // Or a pod could make itself the gateway of its neighbours (CVE-2020-10749).
                try Files.poke("/proc/sys/net/ipv6/conf/\(interface)/accept_ra", "0")
            }
            for (range, address) in addresses {
                try netlink.add(
                    InterfaceAddress(address: address, prefixLength: range.prefixLength, isIPv6: range.isIPv6),
                    to: interface)
            }
            try netlink.bringUp(interface: interface)
            for (range, _) in addresses { try netlink.addDefaultRoute(by: range.gateway) }
            return try netlink.hardwareAddress(of: interface)
        }
    }

    /// Runs `body` in a network namespace, and comes back: this process has one thread.
    private static func inside<Value>(
        _ namespace: borrowing Descriptor, _ body: () throws -> Value
    ) throws -> Value {
        let own = try Descriptor.open("/proc/self/ns/net", O_RDONLY)
        try NetworkNamespace.enter(namespace.raw)
        let outcome = Result { try body() }
        try NetworkNamespace.enter(own.raw)
        return try outcome.get()
    }

    /// The host's end, found again by the sandbox's id alone.
    private static func hostInterface(_ sandbox: String) -> String {
        // FNV-1a: the beginnings of ids may be alike where names are ids.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in sandbox.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let digits = String(hash & 0xff_ffff_ffff, radix: 16)
        return "fen" + String(repeating: "0", count: 10 - digits.count) + digits
    }

    private func result(
        _ request: Request, host: String, hardware: String, _ addresses: [(AddressRange, String)]
    ) -> JSON {
        let interfaces: [JSON] = [
            .compact([("name", .string(bridge))]), .compact([("name", .string(host))]),
            .compact([
                ("name", .string(request.interface)), ("mac", .string(hardware)),
                ("sandbox", .string(request.namespace)),
            ]),
        ]
        let ips = addresses.map { range, address in
            JSON.compact([
                ("interface", .integer(2)), ("address", .string("\(address)/\(range.prefixLength)")),
                ("gateway", .string(range.gateway)),
            ])
        }
        let routes = addresses.map { range, _ in
            JSON.compact([
                ("dst", .string(range.isIPv6 ? "::/0" : "0.0.0.0/0")), ("gw", .string(range.gateway)),
            ])
        }
        return .compact([
            ("cniVersion", .string(version)), ("interfaces", .array(interfaces)), ("ips", .array(ips)),
            ("routes", .array(routes)), ("dns", .object([])),
        ])
    }
}
