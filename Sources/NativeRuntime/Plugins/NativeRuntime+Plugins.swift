public import BackEnd
public import CRI
internal import Linux
public import NRI
internal import OCI
public import Runtime

/// What NRI plugins reach.
extension NativeRuntime: PluginTarget {
    /// A container as its config.json has it.
    public func describe(_ container: ContainerRecord) async throws -> NRIContainer {
        NRIContainer(spec: try JSON(parsing: Files.read("\(containers.directory(container.id))/config.json")))
    }

    /// Runs `body`, which shows a new sandbox, when plugins have agreed to it.
    func announce(_ record: SandboxRecord, _ config: PodSandboxConfig, _ body: () async throws -> Void) async throws {
        guard let hooks else { return try await body() }
        try await hooks.runSandbox(record, config, body)
    }

    /// `UpdatePodSandboxResources`: plugins hear of it.
    public func updatePodSandboxResources(
        _ sandbox: SandboxRecord, overhead: LinuxContainerResources, resources: LinuxContainerResources
    ) async throws {
        try await hooks?.updateSandbox(sandbox, overhead: overhead, resources: resources)
    }
}
