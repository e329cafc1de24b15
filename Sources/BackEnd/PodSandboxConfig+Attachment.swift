public import CNI
public import CRI

extension PodSandboxConfig {
    /// What the pod asks of its network.
    public func attachment(id: String, netns: String) -> PodAttachment {
        var attachment = PodAttachment(
            sandboxID: id, netns: netns, podName: metadata.name, podNamespace: metadata.namespace,
            podUID: metadata.uid)
        attachment.annotations = annotations
        attachment.cgroupPath = linux.cgroupParent
        attachment.portMappings = portMappings.map {
            CNI.PortMapping(
                protocolName: $0.protocol.networkName, containerPort: $0.containerPort, hostPort: $0.hostPort,
                hostIP: $0.hostIp)
        }
        if hasDnsConfig {
            attachment.dns = NetworkDNS(
                nameservers: dnsConfig.servers, search: dnsConfig.searches, options: dnsConfig.options)
        }
        return attachment
    }
}

extension ProtocolEnum {
    /// As CNI and dockershim's checkpoints name it.
    public var networkName: String {
        switch self {
        case .udp: "udp"
        case .sctp: "sctp"
        default: "tcp"
        }
    }
}
