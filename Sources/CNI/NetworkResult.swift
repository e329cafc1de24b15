/// What a chain of plugins answered to ADD, read tolerantly from any version of the specification.
public struct NetworkResult: Sendable, Equatable {
    /// An interface that a plugin made (specification, "Success").
    public struct Interface: Sendable, Equatable {
        /// Its name.
        public var name: String
        /// Its hardware address; empty when unknown.
        public var mac: String
        /// The namespace it is in; empty for the host's.
        public var sandbox: String
    }

    /// An address given to the pod.
    public struct Address: Sendable, Equatable {
        /// Address and prefix length as the plugin wrote it, `10.1.2.3/24`.
        public var cidr: String
        /// The address alone.
        public var address: String
        /// The gateway; empty when there is none.
        public var gateway: String
        /// Index into ``NetworkResult/interfaces``; nil when the plugin named none.
        public var interface: Int?
    }

    /// A route in the pod.
    public struct Route: Sendable, Equatable {
        /// Destination, `0.0.0.0/0`.
        public var destination: String
        /// Next hop; empty for the address's gateway.
        public var gateway: String
    }

    /// The version that the result claims.
    public var cniVersion: String
    /// Interfaces, in the plugins' order.
    public var interfaces: [Interface]
    /// Addresses, in the plugins' order.
    public var addresses: [Address]
    /// Routes.
    public var routes: [Route]
    /// DNS settings.
    public var dns: NetworkDNS

    /// The addresses of interfaces inside the pod, without prefix length, in CNI order; the first is the pod's IP.
    ///
    /// An address that names no interface, or one that is not listed, counts as the pod's.
    public var podIPs: [String] {
        addresses.filter { address in
            guard let index = address.interface, interfaces.indices.contains(index) else { return true }
            return !interfaces[index].sandbox.isEmpty
        }.map(\.address)
    }
}
