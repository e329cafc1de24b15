internal import Linux
internal import OCI

/// A port of the host that leads to one of a pod (CNI conventions, `portMappings`).
struct PortMapping: Sendable, Equatable {
    var hostPort: UInt16
    var containerPort: UInt16
    /// `tcp`, `udp` or `sctp`.
    var networkProtocol: String
    /// The host's address that it is limited to; empty for all.
    var hostAddress: String

    /// An entry of `runtimeConfig.portMappings`; nil for one without a host port. Throws SpecError.
    init?(_ field: Field) throws {
        hostPort = try field["hostPort"].integer() ?? 0
        containerPort = try field["containerPort"].integer() ?? 0
        networkProtocol = (try field["protocol"].string() ?? "tcp").lowercased()
        let given = try field["hostIP"].string() ?? ""
        // As nft writes it, by which ports are found again.
        guard let address = given.isEmpty ? "" : InterfaceAddress.canonical(given) else {
            throw field["hostIP"].error("is no address")
        }
        hostAddress = ["0.0.0.0", "::"].contains(address) ? "" : address
        if hostPort == 0 { return nil }
        guard containerPort != 0 else { throw field["containerPort"].error("is missing") }
        guard ["tcp", "udp", "sctp"].contains(networkProtocol) else {
            throw field["protocol"].error("must be tcp, udp or sctp")
        }
    }

    /// The form in the pool's files.
    init?(line: String) {
        let parts = line.split(separator: " ").map(String.init)
        guard parts.count == 4, let host = UInt16(parts[1]), let container = UInt16(parts[2]) else { return nil }
        (networkProtocol, hostPort, containerPort) = (parts[0], host, container)
        hostAddress = parts[3] == "*" ? "" : parts[3]
    }

    var line: String { "\(networkProtocol) \(hostPort) \(containerPort) \(hostAddress.isEmpty ? "*" : hostAddress)" }

    /// Whether it leads to an address of that family.
    func fits(isIPv6: Bool) -> Bool { hostAddress.isEmpty || hostAddress.contains(":") == isIPv6 }
}
