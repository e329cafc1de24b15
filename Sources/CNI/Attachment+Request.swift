internal import Linux

extension Attachment {
    /// The attachment of a pod to a network. Throws CNIError for ids, names or annotations that CNI does not allow.
    init(_ request: PodAttachment, to network: Network, podCIDRs: [String]) throws {
        guard Identifier.isValid(request.sandboxID) else {
            throw CNIError(.invalidRequest, message: "sandbox id \"\(request.sandboxID)\" is not allowed")
        }
        guard Identifier.isInterface(request.interface) else {
            throw CNIError(.invalidRequest, message: "interface name \"\(request.interface)\" is not allowed")
        }
        self.network = network
        sandboxID = request.sandboxID
        interface = request.interface
        netns = request.netns
        arguments = [
            ("IgnoreUnknown", "1"), ("K8S_POD_NAMESPACE", request.podNamespace), ("K8S_POD_NAME", request.podName),
            ("K8S_POD_INFRA_CONTAINER_ID", request.sandboxID), ("K8S_POD_UID", request.podUID),
        ]
        for argument in arguments where !Identifier.isArgumentValue(argument.value) {
            throw CNIError(.invalidRequest, message: "\(argument.name) \"\(argument.value)\" is not allowed")
        }
        capabilities = .object([])
        if !request.portMappings.isEmpty { capabilities["portMappings"] = request.portMappingArgument }
        capabilities["bandwidth"] = try request.bandwidthArgument()
        capabilities["dns"] = request.dns?.argument
        if !podCIDRs.isEmpty {
            capabilities["ipRanges"] = .array(podCIDRs.map { .array([.object(["subnet": .string($0)])]) })
        }
        capabilities["io.kubernetes.cri.pod-annotations"] = .object(request.annotations)
        if !request.cgroupPath.isEmpty { capabilities["cgroupPath"] = .string(request.cgroupPath) }
        capabilities["mac"] = request.mac.map { .string($0) }
        if !request.ips.isEmpty { capabilities["ips"] = .strings(request.ips) }
    }
}

extension PodAttachment {
    fileprivate var portMappingArgument: JSONValue {
        .array(
            portMappings.filter { $0.hostPort > 0 }.map { mapping in
                .object([
                    "hostPort": .integer(mapping.hostPort), "containerPort": .integer(mapping.containerPort),
                    "protocol": .string(mapping.protocolName.lowercased()), "hostIP": .string(mapping.hostIP),
                ])
            })
    }

    /// Nil when no annotation limits the pod.
    fileprivate func bandwidthArgument() throws -> JSONValue? {
        var bandwidth = JSONValue.object([])
        for direction in ["ingress", "egress"] {
            let name = "kubernetes.io/\(direction)-bandwidth"
            guard let text = annotations[name] else { continue }
            // The bounds are the API server's: 1k to 1P bits a second.
            guard let rate = Quantity.value(text), (1_000...1_000_000_000_000_000).contains(rate) else {
                throw CNIError(
                    .invalidRequest, message: "annotation \(name): \"\(text)\" is no rate between 1k and 1P")
            }
            bandwidth["\(direction)Rate"] = .integer(rate)
            // "No limit", in the largest number that every version of the plugin takes.
            bandwidth["\(direction)Burst"] = .integer(Int32.max)
        }
        return bandwidth == .object([]) ? nil : bandwidth
    }
}

extension NetworkDNS {
    fileprivate var argument: JSONValue {
        .object([
            "servers": .strings(nameservers), "searches": .strings(search), "options": .strings(options),
        ])
    }
}
