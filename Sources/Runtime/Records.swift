public import CRI
internal import SwiftProtobuf

/// Something the World holds: it has an id, an age and a form in a CRI list.
public protocol WorldRecord: Sendable {
    /// The full id.
    var id: String { get }
    /// Creation time, nanoseconds since the epoch; lists are sorted by it, newest first.
    var createdAt: Int64 { get }
    /// The encoded message that stands for it in a CRI list.
    func listEntry() throws -> [UInt8]
}

/// A pod sandbox: what the CRI shows of it, and what a back end needs to work on it.
public struct SandboxRecord: WorldRecord {
    /// The complete status, without containers.
    public var status: PodSandboxStatus
    /// The infra container's process id on the host; 0 when it does not run.
    public var pid: Int32
    /// Path of the network namespace; empty with host network or when it is gone.
    public var netns: String
    /// The parent of its containers' cgroups as the engine takes it; empty for the engine's default.
    public var cgroupParent: String

    /// A record of the sandbox that `status` describes.
    public init(status: PodSandboxStatus, pid: Int32 = 0, netns: String = "", cgroupParent: String = "") {
        self.status = status
        self.pid = pid
        self.netns = netns
        self.cgroupParent = cgroupParent
    }

    /// The full id.
    public var id: String { status.id }
    /// Creation time, nanoseconds since the epoch.
    public var createdAt: Int64 { status.createdAt }

    /// Whether the sandbox shares the network of the host.
    public var usesHostNetwork: Bool { status.linux.namespaces.options.network == .node }

    /// The `PodSandbox` of `ListPodSandbox`.
    public var listItem: PodSandbox {
        var item = PodSandbox()
        item.id = status.id
        item.metadata = status.metadata
        item.state = status.state
        item.createdAt = status.createdAt
        item.labels = status.labels
        item.annotations = status.annotations
        item.runtimeHandler = status.runtimeHandler
        return item
    }

    /// The encoded message that stands for it in a CRI list.
    public func listEntry() throws -> [UInt8] { try listItem.serializedBytes() }

    /// Whether all the given conditions hold; unset fields hold.
    public func matches(_ filter: PodSandboxFilter) -> Bool {
        (filter.id.isEmpty || id.hasPrefix(filter.id))
            && (!filter.hasState || status.state == filter.state.state)
            && status.labels.contains(all: filter.labelSelector)
    }
}

/// Where what a container writes is kept on the host.
public struct WritableLayer: Sendable, Equatable {
    /// The directory with its files alone.
    public var directory: String
    /// The engine's storage as `ImageFsInfo` names it.
    public var storage: String

    /// A layer.
    public init(directory: String, storage: String) {
        self.directory = directory
        self.storage = storage
    }
}

/// A container: what the CRI shows of it, and what a back end needs to work on it.
public struct ContainerRecord: WorldRecord {
    /// The complete status.
    public var status: ContainerStatus
    /// The full id of its sandbox.
    public var sandboxID: String
    /// The process id of its init on the host; 0 when it does not run.
    public var pid: Int32
    /// Whether it was created with a terminal.
    public var tty: Bool
    /// Whether its stdin is open for attach.
    public var stdin: Bool
    /// Whether its stdin closes after the first attach.
    public var stdinOnce: Bool
    /// The engine's own log file; empty when there is none.
    public var sourceLog: String
    /// Where what it writes is kept; nil when the engine does not tell.
    public var writableLayer: WritableLayer?

    /// A record of the container that `status` describes.
    public init(
        status: ContainerStatus, sandboxID: String, pid: Int32 = 0, tty: Bool = false, stdin: Bool = false,
        stdinOnce: Bool = false, sourceLog: String = "", writableLayer: WritableLayer? = nil
    ) {
        self.status = status
        self.sandboxID = sandboxID
        self.pid = pid
        self.tty = tty
        self.stdin = stdin
        self.stdinOnce = stdinOnce
        self.sourceLog = sourceLog
        self.writableLayer = writableLayer
    }

    /// The full id.
    public var id: String { status.id }
    /// Creation time, nanoseconds since the epoch.
    public var createdAt: Int64 { status.createdAt }

    /// The `Container` of `ListContainers`.
    public var listItem: Container {
        var item = Container()
        item.id = status.id
        item.podSandboxID = sandboxID
        item.metadata = status.metadata
        item.image = status.image
        item.imageRef = status.imageRef
        item.imageID = status.imageID
        item.state = status.state
        item.createdAt = status.createdAt
        item.labels = status.labels
        item.annotations = status.annotations
        return item
    }

    /// The encoded message that stands for it in a CRI list.
    public func listEntry() throws -> [UInt8] { try listItem.serializedBytes() }

    /// Whether all the given conditions hold; unset fields hold.
    public func matches(_ filter: ContainerFilter) -> Bool {
        (filter.id.isEmpty || id.hasPrefix(filter.id))
            && (filter.podSandboxID.isEmpty || sandboxID.hasPrefix(filter.podSandboxID))
            && (!filter.hasState || status.state == filter.state.state)
            && status.labels.contains(all: filter.labelSelector)
    }
}

/// An image: what the CRI shows of it, and the parts of its configuration that containers inherit.
public struct ImageRecord: WorldRecord {
    /// The CRI's view.
    public var image: Image
    /// Creation time, nanoseconds since the epoch.
    public var createdAt: Int64
    /// Labels of the image's configuration.
    public var labels: [String: String]
    /// The configured user as written: `name`, `uid`, `uid:gid`, …; empty for root.
    public var user: String
    /// The configured stop signal as written; empty for SIGTERM.
    public var stopSignal: String
    /// Whether the image brings an entrypoint or a command of its own.
    public var hasCommand: Bool
    /// The layers' directories where the engine keeps them as such, top first; empty where it does not.
    public var layers: [String]

    /// A record of the image that `image` describes.
    public init(
        image: Image, createdAt: Int64 = 0, labels: [String: String] = [:], user: String = "",
        stopSignal: String = "", hasCommand: Bool = true, layers: [String] = []
    ) {
        self.image = image
        self.createdAt = createdAt
        self.labels = labels
        self.user = user
        self.stopSignal = stopSignal
        self.hasCommand = hasCommand
        self.layers = layers
    }

    /// The full id.
    public var id: String { image.id }

    /// The encoded message that stands for it in a CRI list.
    public func listEntry() throws -> [UInt8] { try image.serializedBytes() }
}

extension [String: String] {
    /// Whether every pair of `selector` is present with an equal value.
    func contains(all selector: [String: String]) -> Bool {
        selector.allSatisfy { self[$0.key] == $0.value }
    }
}
