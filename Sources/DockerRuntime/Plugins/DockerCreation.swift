internal import BackEnd
internal import CRI
internal import DockerEngine
internal import Logging
internal import NRI
internal import Runtime
internal import Synchronization

/// A Docker container that is being created. Docker gives the id, and takes no changes later: what plugins want makes
/// another container, with another id.
actor DockerCreation: PluginCreation {
    private let runtime: DockerRuntime
    private let spec: ContainerSpec
    private var id: String?

    init(_ runtime: DockerRuntime, _ spec: ContainerSpec) {
        self.runtime = runtime
        self.spec = spec
    }

    func make() async throws -> String {
        let made = try await runtime.create(spec)
        id = made
        return made
    }

    func plain() async throws -> NRIContainer {
        guard let id else { throw RuntimeError(.internalError, "container \(spec.name): it was not made") }
        var container = NRIContainer(
            try await runtime.engine.inspectContainer(id), systemd: spec.node.usesSystemdCgroups)
        container.image.name = spec.config.image.givenName
        return container
    }

    func adjust(_ adjustment: NRIContainerAdjustment) async throws -> String {
        var changed = spec
        try changed.adjust(by: adjustment)
        if !changed.config.cdiDevices.isEmpty && !spec.node.readsCDI {
            changed.cdi = try await runtime.cdiAdditions(changed.config.cdiDevices.map(\.name))
        }
        await discard()
        let made = try await runtime.create(changed)
        id = made
        return made
    }

    func commit() async throws {
        guard let id else { return }
        runtime.hidden.withLock { _ = $0.remove(spec.name) }
        try await runtime.refresh(id)
    }

    /// The container that there is.
    var result: String? { id }

    /// Removes what there is of it.
    func discard() async {
        guard let id else { return }
        do { try await runtime.removeFromDocker(id) } catch {
            runtime.logger.warning("undo container", metadata: ["id": "\(id)", "error": "\(error)"])
        }
        self.id = nil
    }
}
