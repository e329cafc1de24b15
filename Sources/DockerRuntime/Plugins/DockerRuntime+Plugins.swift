public import BackEnd
public import CRI
internal import DockerEngine
public import NRI
public import Runtime
internal import Synchronization

/// What NRI plugins reach.
extension DockerRuntime: PluginTarget {
    /// A container as Docker made it.
    public func describe(_ container: ContainerRecord) async throws -> NRIContainer {
        let isSystemd = connection.withLock { $0.lastFacts?.usesSystemdCgroups } ?? false
        return NRIContainer(try await engine.inspectContainer(container.id), systemd: isSystemd)
    }

    /// `UpdatePodSandboxResources`: plugins hear of it.
    public func updatePodSandboxResources(
        _ sandbox: SandboxRecord, overhead: LinuxContainerResources, resources: LinuxContainerResources
    ) async throws {
        try await hooks?.updateSandbox(sandbox, overhead: overhead, resources: resources)
    }

    /// Creates a container as plugins want it; nobody sees it before.
    func create(_ spec: ContainerSpec, asking hooks: PluginHooks) async throws -> String {
        let creation = DockerCreation(self, spec)
        hidden.withLock { _ = $0.insert(spec.name) }
        defer { hidden.withLock { _ = $0.remove(spec.name) } }
        do {
            try await hooks.createContainer(in: spec.sandbox, creation)
        } catch {
            await creation.discard()
            throw error
        }
        guard let id = await creation.result else {
            throw RuntimeError(.internalError, "create container \(spec.name): it was not made")
        }
        return id
    }
}
