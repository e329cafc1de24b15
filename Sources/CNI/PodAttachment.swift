/// What a pod sandbox asks of its network: the parameters of one attachment.
public struct PodAttachment: Sendable, Equatable {
    /// The sandbox's id: `CNI_CONTAINERID`, and the name of its journal and cache files.
    public var sandboxID: String
    /// Path of the network namespace, such as `/proc/<pid>/ns/net`.
    public var netns: String
    /// The interface's name inside the namespace.
    public var interface: String
    /// The pod's name.
    public var podName: String
    /// The pod's Kubernetes namespace.
    public var podNamespace: String
    /// The pod's uid.
    public var podUID: String
    /// The sandbox's annotations; the bandwidth ones become the `bandwidth` capability.
    public var annotations: [String: String]
    /// Host ports; entries without a host port are left out.
    public var portMappings: [PortMapping]
    /// The pod's DNS settings for the `dns` capability; nil leaves it out.
    public var dns: NetworkDNS?
    /// The pod's cgroup for the `cgroupPath` capability; empty leaves it out.
    public var cgroupPath: String
    /// A hardware address asked for (`mac` capability).
    public var mac: String?
    /// Addresses asked for (`ips` capability).
    public var ips: [String]

    /// An attachment of `eth0`; every optional part starts empty.
    public init(
        sandboxID: String, netns: String, podName: String, podNamespace: String, podUID: String,
        interface: String = "eth0"
    ) {
        self.sandboxID = sandboxID
        self.netns = netns
        self.interface = interface
        self.podName = podName
        self.podNamespace = podNamespace
        self.podUID = podUID
        annotations = [:]
        portMappings = []
        dns = nil
        cgroupPath = ""
        mac = nil
        ips = []
    }
}

/// A port of the host that leads into the pod.
public struct PortMapping: Sendable, Equatable {
    /// `tcp`, `udp` or `sctp`, in any case.
    public var protocolName: String
    /// The port inside the pod.
    public var containerPort: Int32
    /// The port on the host; 0 asks for none.
    public var hostPort: Int32
    /// The host address to bind; empty binds all.
    public var hostIP: String

    /// A mapping.
    public init(protocolName: String, containerPort: Int32, hostPort: Int32, hostIP: String = "") {
        self.protocolName = protocolName
        self.containerPort = containerPort
        self.hostPort = hostPort
        self.hostIP = hostIP
    }
}

/// DNS settings as CNI spells them.
public struct NetworkDNS: Sendable, Equatable {
    /// Name servers' addresses.
    public var nameservers: [String]
    /// The local domain.
    public var domain: String
    /// Search domains.
    public var search: [String]
    /// resolv.conf options.
    public var options: [String]

    /// DNS settings; every part may be empty.
    public init(nameservers: [String] = [], domain: String = "", search: [String] = [], options: [String] = []) {
        self.nameservers = nameservers
        self.domain = domain
        self.search = search
        self.options = options
    }
}
