extension NetworkResult {
    /// Reads a result of any version, passing over what it does not understand.
    init(_ document: JSONValue) {
        cniVersion = document["cniVersion"]?.string ?? ""
        interfaces = (document["interfaces"]?.array ?? []).map { entry in
            Interface(
                name: entry["name"]?.string ?? "", mac: entry["mac"]?.string ?? "",
                sandbox: entry["sandbox"]?.string ?? "")
        }
        addresses = (document["ips"]?.array ?? []).compactMap { entry in
            Address(cidr: entry["address"], gateway: entry["gateway"], interface: entry["interface"]?.integer)
        }
        routes = Self.routes(document["routes"])
        dns = NetworkDNS(document["dns"])
        // Before 0.3.0 there was one address a family.
        for family in ["ip4", "ip6"] {
            guard let entry = document[family] else { continue }
            if let address = Address(cidr: entry["ip"], gateway: entry["gateway"], interface: nil) {
                addresses.append(address)
            }
            routes += Self.routes(entry["routes"])
        }
    }

    private static func routes(_ list: JSONValue?) -> [Route] {
        (list?.array ?? []).compactMap { entry in
            entry["dst"]?.string.map { Route(destination: $0, gateway: entry["gw"]?.string ?? "") }
        }
    }
}

extension NetworkResult.Address {
    fileprivate init?(cidr: JSONValue?, gateway: JSONValue?, interface: Int?) {
        guard let cidr = cidr?.string, !cidr.isEmpty else { return nil }
        self.cidr = cidr
        address = String(cidr.prefix { $0 != "/" })
        self.gateway = gateway?.string ?? ""
        self.interface = interface
    }
}

extension NetworkDNS {
    fileprivate init(_ document: JSONValue?) {
        self.init(
            nameservers: document?["nameservers"]?.strings ?? [], domain: document?["domain"]?.string ?? "",
            search: document?["search"]?.strings ?? [], options: document?["options"]?.strings ?? [])
    }
}
