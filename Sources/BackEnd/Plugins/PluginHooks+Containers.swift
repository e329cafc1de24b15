public import CRI
public import NRI
public import Runtime
internal import Synchronization

/// A container's life.
extension PluginHooks {
    /// How often a container is made anew because plugins ask for something else for each id that it gets.
    private static let rounds = 4

    /// Asks plugins what a container is to have, makes it so, and shows it.
    ///
    /// An engine that gives ids itself makes another container for what plugins want. They are then told of the end of
    /// the first and asked again, so that every id they know is a container's.
    public func createContainer(in sandbox: SandboxRecord, _ creation: some PluginCreation) async throws {
        var id = ""
        try await interface.undisturbed {
            var container = NRIContainer()
            container.podSandboxID = sandbox.id
            container.id = try await creation.make()
            do {
                if interface.isWanted(.createContainer) || interface.isWanted(.validateContainerAdjustment) {
                    container = try await creation.plain()
                    try await settle(creation, &container)
                }
                try await creation.commit()
            } catch {
                await undo(container)
                throw refused(error, "create container \(container.id)")
            }
            id = container.id
            state.withLock { $0.containers[id] = KnownContainer(sandboxID: sandbox.id) }
        }
        await done(.postCreateContainer, id)
    }

    private func settle(_ creation: some PluginCreation, _ container: inout NRIContainer) async throws {
        var made = NRIContainerAdjustment()
        for _ in 0..<Self.rounds {
            let wanted = try await interface.createContainer(pod(container.podSandboxID), container)
            if wanted == made { return }
            let id = try await creation.adjust(wanted)
            if id == container.id { return }
            await undo(container)
            container.id = id
            made = wanted
        }
        throw RuntimeError(.failedPrecondition, "NRI: plugins adjust container \(container.name) differently each time")
    }

    /// Tells of the end of a container that plugins were asked about and that will not be.
    private func undo(_ container: NRIContainer) async {
        let pod = pod(container.podSandboxID)
        do { try await interface.stopContainer(pod, container) } catch { complain(.stopContainer, container.id, error) }
        await tell(.removeContainer, pod, container)
    }

    /// Tells of a start that follows; throws when a plugin refuses it.
    public func startContainer(_ record: ContainerRecord) async throws {
        state.withLock { state in
            var known = state.containers[record.id] ?? KnownContainer(sandboxID: record.sandboxID)
            (known.isLive, known.isStarting, known.hasEndedEarly, known.telling) = (true, true, false, nil)
            state.containers[record.id] = known
        }
        guard interface.isWanted(.startContainer) else { return }
        do {
            try await interface.tell(.startContainer, pod(record.sandboxID), await container(record))
        } catch {
            throw refused(error, "start container \(record.id)")
        }
    }

    /// Tells of a start that was done, and then of the end if that came first.
    public func started(_ id: String) async {
        await done(.postStartContainer, id)
        await endStart(id)
    }

    /// Tells of the end of a container that could not start.
    public func startFailed(_ id: String) async { await endStart(id) }

    private func endStart(_ id: String) async {
        let hasEnded = state.withLock { state in
            state.containers[id]?.isStarting = false
            return state.containers[id]?.hasEndedEarly ?? false
        }
        if hasEnded { await stopped(id) }
    }

    /// Tells of a creation or change that was done.
    public func done(_ event: NRIEvent, _ id: String) async {
        guard interface.isWanted(event), let record = target?.world.container(id) else { return }
        await tell(event, pod(record.sandboxID), await container(record))
    }

    /// What a container is to be limited to, given what its caller wants.
    public func updateContainer(
        _ record: ContainerRecord, _ resources: LinuxContainerResources
    ) async throws -> PluginLimits {
        guard interface.isWanted(.updateContainer) else { return PluginLimits(resources) }
        do {
            let wanted = try await interface.updateContainer(
                pod(record.sandboxID), await container(record), NRILinuxResources(resources))
            var limits = try PluginLimits(wanted)
            limits.resources.oomScoreAdj = resources.oomScoreAdj
            return limits
        } catch {
            throw refused(error, "update container \(record.id)")
        }
    }

    /// Tells that a started container has ended, once; returns when it has been told.
    public func stopped(_ id: String) async {
        let telling: Task<Void, Never>? = state.withLock { state in
            guard var known = state.containers[id] else { return nil }
            guard known.isLive else { return known.telling }
            if known.isStarting {
                state.containers[id]?.hasEndedEarly = true
                return nil
            }
            known.isLive = false
            let container = known.container
            let telling = Task { await self.tellStopped(id, container) }
            known.telling = telling
            state.containers[id] = known
            return telling
        }
        await telling?.value
    }

    private func tellStopped(_ id: String, _ last: NRIContainer) async {
        var container = last
        container.id = id
        if let record = target?.world.container(id) { container.take(record) }
        do {
            try await interface.stopContainer(pod(container.podSandboxID), container)
        } catch {
            complain(.stopContainer, id, error)
        }
    }

    /// Removes a container by `body`, and tells of its end and removal.
    public func removeContainer(_ record: ContainerRecord, _ body: () async throws -> Void) async throws {
        if interface.isWanted(.removeContainer) || interface.isWanted(.stopContainer) { _ = await container(record) }
        try await interface.undisturbed {
            state.withLock { state in
                var known = state.containers[record.id] ?? KnownContainer(sandboxID: record.sandboxID)
                known.isRemoving = true
                state.containers[record.id] = known
            }
            do {
                try await body()
            } catch {
                state.withLock { $0.containers[record.id]?.isRemoving = false }
                throw error
            }
            await tellRemoved(record.id)
        }
    }

    /// Tells of the end of a container that vanished.
    func forget(container id: String) async {
        guard let known = state.withLock({ $0.containers[id] }), !known.isRemoving else { return }
        await tellRemoved(id)
    }

    private func tellRemoved(_ id: String) async {
        state.withLock { $0.containers[id]?.isStarting = false }
        await stopped(id)
        guard var container = state.withLock({ $0.containers.removeValue(forKey: id)?.container }) else { return }
        container.id = id
        container.state = .containerStopped
        await tell(.removeContainer, pod(container.podSandboxID), container)
    }
}
