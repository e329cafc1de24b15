public import BackEnd
public import CRI
public import NRI
public import Runtime
public import Streaming

/// Calls about sandboxes and containers: each goes to the part that has it.
extension MixedRuntime {
    /// `RunPodSandbox`: a repeated request finds its sandbox, wherever it was made.
    public func runPodSandbox(_ config: PodSandboxConfig, handler: String) async throws -> String {
        let made = world.sandboxes.first { $0.status.metadata == config.metadata && $0.status.state == .sandboxReady }
        if let made { return made.id }
        return try await part(for: handler).runPodSandbox(config, handler: handler)
    }

    /// `StopPodSandbox`.
    public func stopPodSandbox(_ sandbox: SandboxRecord) async throws {
        try await part(of: sandbox).stopPodSandbox(sandbox)
    }

    /// `RemovePodSandbox`.
    public func removePodSandbox(_ sandbox: SandboxRecord) async throws {
        try await part(of: sandbox).removePodSandbox(sandbox)
    }

    /// `UpdatePodSandboxResources`.
    public func updatePodSandboxResources(
        _ sandbox: SandboxRecord, overhead: LinuxContainerResources, resources: LinuxContainerResources
    ) async throws {
        try await part(of: sandbox).updatePodSandboxResources(sandbox, overhead: overhead, resources: resources)
    }

    /// What only a verbose `PodSandboxStatus` shows.
    public func info(of sandbox: SandboxRecord) async throws -> [String: String] {
        var info = try await part(of: sandbox).info(of: sandbox)
        info["backEnd"] = "\"\(isNative(sandbox) ? DefaultPart.native : .docker)\""
        return info
    }

    /// `CreateContainer`: a native pod gets images that only Docker has.
    public func createContainer(
        in sandbox: SandboxRecord, _ config: ContainerConfig, sandboxConfig: PodSandboxConfig
    ) async throws -> String {
        guard isNative(sandbox) else {
            return try await docker.createContainer(in: sandbox, config, sandboxConfig: sandboxConfig)
        }
        return try await native.createContainer(
            in: sandbox, await takingImages(of: config), sandboxConfig: sandboxConfig)
    }

    /// `StartContainer`.
    public func startContainer(_ container: ContainerRecord) async throws {
        try await part(of: container).startContainer(container)
    }

    /// `StopContainer`.
    public func stopContainer(_ container: ContainerRecord, timeout: Int64) async throws {
        try await part(of: container).stopContainer(container, timeout: timeout)
    }

    /// `RemoveContainer`.
    public func removeContainer(_ container: ContainerRecord) async throws {
        try await part(of: container).removeContainer(container)
    }

    /// `UpdateContainerResources`.
    public func updateContainerResources(
        _ container: ContainerRecord, _ resources: LinuxContainerResources
    ) async throws {
        try await part(of: container).updateContainerResources(container, resources)
    }

    /// `ReopenContainerLog`.
    public func reopenContainerLog(_ container: ContainerRecord) async throws {
        try await part(of: container).reopenContainerLog(container)
    }

    /// `ExecSync`.
    public func execSync(
        _ container: ContainerRecord, command: [String], timeout: Int64
    ) async throws -> ExecSyncResponse {
        try await part(of: container).execSync(container, command: command, timeout: timeout)
    }

    /// What only a verbose `ContainerStatus` shows.
    public func info(of container: ContainerRecord) async throws -> [String: String] {
        try await part(of: container).info(of: container)
    }
}

extension MixedRuntime: StreamingRuntime {
    /// `Exec`.
    public func exec(_ request: ExecStreamRequest) async throws -> any StreamedProcess {
        try await part(withContainer: request.containerID).exec(request)
    }

    /// `Attach`.
    public func attach(_ request: AttachStreamRequest) async throws -> any StreamedProcess {
        try await part(withContainer: request.containerID).attach(request)
    }

    /// `PortForward`.
    public func connect(sandboxID: String, port: UInt16) async throws -> CInt {
        let part: any PodBackEnd = native.world.sandbox(sandboxID) == nil ? docker : native
        return try await part.connect(sandboxID: sandboxID, port: port)
    }
}

extension MixedRuntime: PluginTarget {
    /// A container as its process sees it.
    public func describe(_ container: ContainerRecord) async throws -> NRIContainer {
        try await part(of: container).describe(container)
    }

    /// Changes limits without asking plugins.
    public func apply(_ limits: PluginLimits, to container: ContainerRecord) async throws {
        try await part(of: container).apply(limits, to: container)
    }
}
