internal import BackEnd
internal import CNI
public import CRI
internal import Linux
public import Runtime
internal import Synchronization

/// `Version`, `Status`, `RuntimeConfig`, `UpdateRuntimeConfig`, and the verbose parts of the statuses.
extension NativeRuntime {
    /// `Version`.
    public func version() async throws -> VersionResponse {
        var response = VersionResponse()
        response.version = "0.1.0"
        response.runtimeName = "fender"
        response.runtimeVersion = "0.1.0"
        return response
    }

    /// `Status`: says what is wrong rather than failing.
    public func status(verbose: Bool) async throws -> StatusResponse {
        var runtime = RuntimeCondition()
        runtime.type = "RuntimeReady"
        runtime.status = world.isKnown
        if !runtime.status {
            runtime.reason = "Starting"
            runtime.message = "what there is has not been read yet"
        }
        let network = await network.status()
        var networkCondition = RuntimeCondition()
        networkCondition.type = "NetworkReady"
        networkCondition.status = network.ready
        networkCondition.reason = network.reason
        networkCondition.message = network.message
        var response = StatusResponse()
        response.status.conditions = [runtime, networkCondition]
        response.features.supplementalGroupsPolicy = true
        response.features.userNamespacesHostNetwork = obstacleToUserNamespaces == nil
        response.runtimeHandlers = handlerList
        if verbose { response.info = info() }
        return response
    }

    private struct NodeInfo: Encodable {
        var cgroupDriver = ""
        var sandboxes = 0
        var containers = 0
        var images = 0
        var network = ""
        var unfinished: [String] = []
    }

    private func info() -> [String: String] {
        var info = NodeInfo()
        info.cgroupDriver = settings.usesSystemdCgroups ? "systemd" : "cgroupfs"
        info.sandboxes = world.sandboxes.count
        info.containers = world.containers.count
        info.images = world.images.count
        info.network = network.snapshot.network?.name ?? ""
        info.unfinished = unfinished.withLock { $0.sandboxes.union($0.containers).sorted() }
        return ["info": VerboseInfo.json(info)]
    }

    /// `RuntimeConfig`: what a kubelet is to use; pods are taken with either.
    public func runtimeConfig() async throws -> RuntimeConfigResponse {
        var response = RuntimeConfigResponse()
        response.linux.cgroupDriver = settings.usesSystemdCgroups ? .systemd : .cgroupfs
        return response
    }

    /// `UpdateRuntimeConfig`: pod address ranges for CNI plugins with the `ipRanges` capability.
    public func updateRuntimeConfig(_ config: CRI.RuntimeConfig) async throws {
        let ranges = config.networkConfig.podCidr
        guard !ranges.isEmpty else { return }
        network.podCIDRs = ranges.split(separator: ",").map { String($0.filter { !$0.isWhitespace }) }
    }

    // MARK: Verbose statuses

    private struct SandboxInfo: Encodable {
        var pid: Int32
        var netns: String
        var cgroupParent: String
    }

    /// What only a verbose `PodSandboxStatus` shows.
    public func info(of sandbox: SandboxRecord) async throws -> [String: String] {
        [
            "info": VerboseInfo.json(
                SandboxInfo(pid: sandbox.pid, netns: sandbox.netns, cgroupParent: sandbox.cgroupParent))
        ]
    }

    private struct ContainerInfo: Encodable {
        var sandboxID: String
        var pid: Int32
        var tty: Bool
        var stdin: Bool
    }

    /// What only a verbose `ContainerStatus` shows; `runtimeSpec` is the container's config.json.
    public func info(of container: ContainerRecord) async throws -> [String: String] {
        let info = ContainerInfo(
            sandboxID: container.sandboxID, pid: container.pid, tty: container.tty, stdin: container.stdin)
        let spec = try? Files.text("\(containers.directory(container.id))/config.json", limit: 16 << 20)
        return ["info": VerboseInfo.json(info), "runtimeSpec": spec ?? "{}"]
    }

    /// What only a verbose `ImageStatus` shows.
    public func info(of image: ImageRecord) async throws -> [String: String] {
        VerboseInfo.image(image)
    }
}
