internal import CRI
public import NRI
public import Runtime

extension NRIPodSandbox {
    /// A pod as plugins see it.
    public init(_ record: SandboxRecord) {
        self.init()
        let status = record.status
        id = status.id
        name = status.metadata.name
        uid = status.metadata.uid
        namespace = status.metadata.namespace
        labels = status.labels
        annotations = status.annotations
        runtimeHandler = status.runtimeHandler
        linux.cgroupParent = record.cgroupParent
        if !record.netns.isEmpty {
            var network = NRILinuxNamespace()
            (network.type, network.path) = ("network", record.netns)
            linux.namespaces = [network]
        }
        pid = UInt32(clamping: record.pid)
        ips = [status.network.ip].filter { !$0.isEmpty } + status.network.additionalIps.map(\.ip)
    }
}

extension NRIContainer {
    /// What a record tells of a container.
    public init(_ record: ContainerRecord) {
        self.init()
        annotations = record.status.annotations
        take(record)
    }

    /// Brings up to date what changes in a container's life; its annotations are as plugins left them.
    public mutating func take(_ record: ContainerRecord) {
        let status = record.status
        id = status.id
        podSandboxID = record.sandboxID
        name = status.metadata.name
        state = Self.state(status.state)
        labels = status.labels
        pid = UInt32(clamping: record.pid)
        createdAt = status.createdAt
        startedAt = status.startedAt
        finishedAt = status.finishedAt
        exitCode = status.exitCode
        statusReason = status.reason
        statusMessage = status.message
        image.name = status.image.givenName
        image.configDigest = status.imageID
        linux.resources.overlay(NRILinuxResources(status.resources.linux))
        if status.hasUser {
            user.uid = UInt32(clamping: status.user.linux.uid)
            user.gid = UInt32(clamping: status.user.linux.gid)
            user.additionalGids = status.user.linux.supplementalGroups.map { UInt32(clamping: $0) }
        }
    }

    private static func state(_ state: ContainerState) -> NRIContainerState {
        switch state {
        case .containerCreated: .containerCreated
        case .containerRunning: .containerRunning
        case .containerExited: .containerStopped
        default: .containerUnknown
        }
    }
}
