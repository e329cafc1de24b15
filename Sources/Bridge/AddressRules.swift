internal import CNFTables

/// The rules of nftables that translate addresses: pods go out as the host, and host ports lead in.
///
/// All stand in one table of our own, where nobody else's rules are touched. Ports are elements of maps.
struct AddressRules {
    let bridge: String
    let ranges: [AddressRange]

    private static let table = "inet fender"

    /// Writes the table's fixed part anew, in one transaction.
    func install() throws {
        var text = """
            add table \(Self.table)
            add chain \(Self.table) prerouting { type nat hook prerouting priority -100 ; }
            add chain \(Self.table) output { type nat hook output priority -100 ; }
            add chain \(Self.table) postrouting { type nat hook postrouting priority 100 ; }
            add chain \(Self.table) input { type filter hook input priority 0 ; }
            add map \(Self.table) ports4 { type inet_proto . inet_service : ipv4_addr . inet_service ; }
            add map \(Self.table) ports6 { type inet_proto . inet_service : ipv6_addr . inet_service ; }
            add map \(Self.table) hosts4 { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service ; }
            add map \(Self.table) hosts6 { type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service ; }
            flush chain \(Self.table) prerouting
            flush chain \(Self.table) output
            flush chain \(Self.table) postrouting
            flush chain \(Self.table) input

            """
        for chain in ["prerouting", "output"] {
            for (family, version) in [("ip", 4), ("ip6", 6)] {
                text += """
                    add rule \(Self.table) \(chain) dnat \(family) to \(family) daddr . meta l4proto . th dport map @hosts\(version)
                    add rule \(Self.table) \(chain) meta nfproto ipv\(version) fib daddr type local dnat \(family) to \
                    meta l4proto . th dport map @ports\(version)

                    """
            }
        }
        for range in ranges {
            let (family, source) = (range.isIPv6 ? "ip6" : "ip", range.description)
            text += """
                add rule \(Self.table) postrouting \(family) saddr \(source) \(family) daddr != \(source) \
                oifname != "\(bridge)" masquerade
                add rule \(Self.table) postrouting ct status dnat \(family) saddr \(source) \(family) daddr \(source) \
                masquerade

                """
        }
        // Host ports are there on 127.0.0.1 too, which needs route_localnet; pods must not reach the host's own by that.
        text += """
            add rule \(Self.table) postrouting ip saddr 127.0.0.0/8 oifname "\(bridge)" masquerade
            add rule \(Self.table) input iifname "\(bridge)" ip daddr 127.0.0.0/8 ct direction original drop

            """
        try Self.run(text)
    }

    /// Opens ports to an address. Throws ``BridgeError``, also for one that another pod has.
    func open(_ ports: [PortMapping], to address: String) throws {
        let isIPv6 = address.contains(":")
        for port in ports where port.fits(isIPv6: isIPv6) {
            let (map, key) = Self.place(port, isIPv6)
            try Self.run("create element \(Self.table) \(map) { \(key) : \(address) . \(port.containerPort) }\n")
        }
    }

    /// Closes ports; those that are not open are fine, as after a reboot, and so are those that another pod has.
    func close(_ ports: [PortMapping], to address: String) throws {
        let isIPv6 = address.contains(":")
        for port in ports where port.fits(isIPv6: isIPv6) {
            let (map, key) = Self.place(port, isIPv6)
            // The kernel looks at the key alone.
            guard Self.elements(of: map).contains("\(key) : \(address) . \(port.containerPort)") else { continue }
            try Self.run("delete element \(Self.table) \(map) { \(key) }\n")
        }
    }

    /// The elements of a map, as nft prints them; none where there is no map yet.
    private static func elements(of map: String) -> Set<String> {
        let text = (try? run("list map \(table) \(map)\n")) ?? ""
        let elements = text.split(separator: "elements = {").dropFirst().first?.split(separator: "}").first ?? ""
        return Set(
            elements.split(separator: ",").map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") })
    }

    private static func place(_ port: PortMapping, _ isIPv6: Bool) -> (map: String, key: String) {
        let key = "\(port.networkProtocol) . \(port.hostPort)"
        let version = isIPv6 ? 6 : 4
        return port.hostAddress.isEmpty
            ? ("ports\(version)", key) : ("hosts\(version)", "\(port.hostAddress) . \(key)")
    }

    /// Answers what is printed.
    @discardableResult
    private static func run(_ commands: String) throws -> String {
        guard let context = nft_ctx_new(0) else { throw BridgeError("nftables: out of memory", code: 5) }
        defer { nft_ctx_free(context) }
        nft_ctx_buffer_error(context)
        nft_ctx_buffer_output(context)
        if nft_run_cmd_from_buffer(context, commands) == 0 {
            return nft_ctx_get_output_buffer(context).map { String(cString: $0) } ?? ""
        }
        let text = nft_ctx_get_error_buffer(context).map { String(cString: $0) } ?? ""
        let reason = text.split(separator: "\n").first.map(String.init) ?? "unknown error"
        throw BridgeError("nftables: \(reason)", code: 5)
    }
}
