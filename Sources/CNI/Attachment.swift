/// An attachment as it is carried out, cached and journalled: a sandbox, a network, and the arguments given to plugins.
struct Attachment: Sendable, Equatable {
    var network: Network
    var sandboxID: String
    var interface: String
    var netns: String
    /// `CNI_ARGS` in order.
    var arguments: [(name: String, value: String)]
    /// The capability arguments, of which each plugin gets those that it declares.
    var capabilities: JSONValue
    /// What ADD answered; nil when it has not, or nobody kept it.
    var result: JSONValue?

    /// What goes into the environment variable, without pairs that would begin others.
    var argumentText: String {
        arguments.filter { Identifier.isArgumentValue($0.name) && Identifier.isArgumentValue($0.value) }
            .map { "\($0.name)=\($0.value)" }.joined(separator: ";")
    }

    static func == (left: Attachment, right: Attachment) -> Bool {
        left.document() == right.document()
    }
}

extension Attachment {
    /// libcni's kind of cache file.
    static let kind = "cniCacheV1"

    /// The attachment as libcni caches it, member for member.
    func document() -> JSONValue {
        var document = JSONValue.object([
            "kind": .string(Self.kind), "containerId": .string(sandboxID),
            "config": .string(Base64.encode(network.document.bytes)), "ifName": .string(interface),
            "networkName": .string(network.name),
        ])
        if !netns.isEmpty { document["netns"] = .string(netns) }
        if !arguments.isEmpty {
            document["cniArgs"] = .array(arguments.map { .strings([$0.name, $0.value]) })
        }
        if capabilities.members?.isEmpty == false { document["capabilityArgs"] = capabilities }
        if let result { document["result"] = result }
        return document
    }

    /// Reads what ``document()`` or libcni wrote. Throws CNIError when the ids or the configuration are unusable.
    init(document: JSONValue) throws {
        guard document["kind"]?.string == Self.kind, let config = document["config"]?.string.flatMap(Base64.decode)
        else { throw CNIError(.invalidConfiguration, message: "not a \(Self.kind)") }
        let sandboxID = document["containerId"]?.string ?? ""
        let interface = document["ifName"]?.string ?? ""
        guard Identifier.isValid(sandboxID), Identifier.isInterface(interface) else {
            throw CNIError(.invalidConfiguration, message: "a cached attachment without container id or interface")
        }
        self.sandboxID = sandboxID
        self.interface = interface
        network = try Network(cached: config)
        // libcni finds the file by this name, whatever the configuration says.
        if let name = document["networkName"]?.string, Identifier.isValid(name) { network.name = name }
        netns = document["netns"]?.string ?? ""
        arguments = (document["cniArgs"]?.array ?? []).compactMap { pair in
            let texts = pair.strings
            return texts.count == 2 ? (texts[0], texts[1]) : nil
        }
        let capabilities = document["capabilityArgs"] ?? .object([])
        self.capabilities = capabilities.members == nil ? .object([]) : capabilities
        result = document["result"].flatMap { $0.members == nil ? nil : $0 }
    }
}
