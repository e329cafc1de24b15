internal import BackEnd
internal import CNI
public import CRI
internal import DockerEngine
public import Runtime
internal import Synchronization

/// `Version`, `Status`, `RuntimeConfig`, `UpdateRuntimeConfig`, and the verbose parts of the statuses.
extension DockerRuntime {
    /// `Version`: still answered from memory while Docker is away.
    public func version() async throws -> VersionResponse {
        var response = VersionResponse()
        response.version = "0.1.0"
        // Container ids stay `docker://…` because of this name.
        response.runtimeName = "docker"
        guard let facts = connection.withLock({ $0.lastFacts }) else {
            _ = try node()
            return response
        }
        response.runtimeVersion = facts.serverVersion
        return response
    }

    /// `Status`: says what is wrong rather than failing.
    public func status(verbose: Bool) async throws -> StatusResponse {
        var response = StatusResponse()
        let connection = connection.withLock { $0 }
        response.status.conditions = [runtimeCondition(connection), await networkCondition()]
        if let facts = connection.lastFacts {
            response.runtimeHandlers = handlers(facts)
            response.features.supplementalGroupsPolicy = facts.hasLayerDirectories
        }
        if verbose { response.info = info(connection) }
        return response
    }

    private func runtimeCondition(_ connection: Connection) -> RuntimeCondition {
        var condition = RuntimeCondition()
        condition.type = "RuntimeReady"
        switch connection {
        case .up: condition.status = true
        case .never:
            condition.reason = "DockerDaemonNotReady"
            condition.message = "Docker has not answered yet"
        case .down(_, let reason):
            condition.reason = "DockerDaemonNotReady"
            condition.message = reason
        }
        return condition
    }

    private func networkCondition() async -> RuntimeCondition {
        var condition = RuntimeCondition()
        condition.type = "NetworkReady"
        guard let network else {
            condition.status = true
            return condition
        }
        let status = await network.status()
        condition.status = status.ready
        condition.reason = status.reason
        condition.message = status.message
        return condition
    }

    /// Docker's runtimes; the empty name is the default one.
    private func handlers(_ facts: NodeFacts) -> [RuntimeHandler] {
        ([""] + facts.info.Runtimes.keys.sorted()).map { name in
            var handler = RuntimeHandler()
            handler.name = name
            handler.features.recursiveReadOnlyMounts = facts.hasRecursiveReadOnly(handler: name)
            return handler
        }
    }

    private struct NodeInfo: Encodable {
        var dockerVersion = ""
        var apiVersion = ""
        var storageDriver = ""
        var cgroupDriver = ""
        var cgroupVersion = ""
        var liveRestore = false
        var sandboxes = 0
        var containers = 0
        var images = 0
        var network = ""
    }

    private func info(_ connection: Connection) -> [String: String] {
        var info = NodeInfo()
        if let facts = connection.lastFacts {
            info.dockerVersion = facts.serverVersion
            info.apiVersion = "\(facts.apiVersion)"
            info.storageDriver = facts.info.Driver
            info.cgroupDriver = facts.info.CgroupDriver
            info.cgroupVersion = facts.info.CgroupVersion
            info.liveRestore = facts.info.LiveRestoreEnabled
        }
        info.sandboxes = world.sandboxes.count
        info.containers = world.containers.count
        info.images = world.images.count
        info.network = network?.snapshot.network?.name ?? ""
        return ["info": VerboseInfo.json(info)]
    }

    /// `RuntimeConfig`: the cgroup driver is Docker's.
    public func runtimeConfig() async throws -> RuntimeConfigResponse {
        var response = RuntimeConfigResponse()
        response.linux.cgroupDriver = try node().usesSystemdCgroups ? .systemd : .cgroupfs
        return response
    }

    /// `UpdateRuntimeConfig`: pod address ranges for CNI plugins with the `ipRanges` capability.
    public func updateRuntimeConfig(_ config: CRI.RuntimeConfig) async throws {
        let ranges = config.networkConfig.podCidr
        guard !ranges.isEmpty else { return }
        network?.podCIDRs = ranges.split(separator: ",").map { String($0.filter { !$0.isWhitespace }) }
    }

    // MARK: Verbose statuses

    private struct SandboxInfo: Encodable {
        var pid: Int32
        var netns: String
        var cgroupParent: String
        var checkpoint: Checkpoint?
    }

    /// What only a verbose `PodSandboxStatus` shows.
    public func info(of sandbox: SandboxRecord) async throws -> [String: String] {
        let info = SandboxInfo(
            pid: sandbox.pid, netns: sandbox.netns, cgroupParent: sandbox.cgroupParent,
            checkpoint: checkpoints.read(sandbox.id))
        return ["info": VerboseInfo.json(info)]
    }

    private struct ContainerInfo: Encodable {
        var sandboxID: String
        var pid: Int32
        var dockerLog: String
        var tty: Bool
        var stdin: Bool
    }

    /// What only a verbose `ContainerStatus` shows.
    public func info(of container: ContainerRecord) async throws -> [String: String] {
        let info = ContainerInfo(
            sandboxID: container.sandboxID, pid: container.pid, dockerLog: container.sourceLog, tty: container.tty,
            stdin: container.stdin)
        return ["info": VerboseInfo.json(info)]
    }

    /// What only a verbose `ImageStatus` shows.
    public func info(of image: ImageRecord) async throws -> [String: String] {
        VerboseInfo.image(image)
    }
}
