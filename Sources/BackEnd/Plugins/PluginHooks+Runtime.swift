internal import CRI
internal import Logging
public import NRI
internal import Runtime
internal import Synchronization

/// What plugins ask of us.
extension PluginHooks: NRIRuntime {
    /// Seconds that a container that plugins want gone has to end by itself.
    private static let evictionGrace: Int64 = 10

    /// Every pod and container; plugins know of them from now on.
    public func inventory() async -> (pods: [NRIPodSandbox], containers: [NRIContainer]) {
        guard let world = target?.world else { return ([], []) }
        let sandboxes = world.sandboxes
        for record in sandboxes where record.status.state == .sandboxReady {
            state.withLock { state in
                if state.pods[record.id] == nil { state.pods[record.id] = KnownPod(pod: NRIPodSandbox(record)) }
            }
        }
        let containers = await describe(world.containers)
        return (sandboxes.map { pod($0.id) }, containers)
    }

    /// Eight at a time: an engine may have to be asked for each.
    private func describe(_ records: [ContainerRecord]) async -> [NRIContainer] {
        var rest = records[...]
        return await withTaskGroup(of: NRIContainer.self) { group in
            func next() {
                guard let record = rest.popFirst() else { return }
                group.addTask { await self.introduced(record) }
            }
            for _ in 0..<8 { next() }
            var all: [NRIContainer] = []
            while let one = await group.next() {
                all.append(one)
                next()
            }
            return all
        }
    }

    private func introduced(_ record: ContainerRecord) async -> NRIContainer {
        let container = await container(record)
        state.withLock { state in
            if record.status.state == .containerRunning, state.containers[record.id]?.telling == nil {
                state.containers[record.id]?.isLive = true
            }
        }
        return container
    }

    /// Changes limits, container by container; answers what failed.
    public func update(_ updates: [NRIContainerUpdate]) async -> [NRIContainerUpdate] {
        var failed: [NRIContainerUpdate] = []
        for update in updates {
            do {
                guard let target, let record = target.world.container(update.containerID) else {
                    throw RuntimeError(.notFound, "container \(update.containerID): not found")
                }
                // What has ended needs no limits any more.
                if record.status.state == .containerExited { continue }
                try await target.apply(PluginLimits(update.linux.resources), to: record)
            } catch {
                logger.warning("NRI update", metadata: ["id": "\(update.containerID)", "error": "\(error)"])
                failed.append(update)
            }
        }
        return failed
    }

    /// Stops containers, without waiting for their ends.
    public func evict(_ evictions: [NRIContainerEviction]) async {
        for eviction in evictions {
            guard let target, let record = target.world.container(eviction.containerID) else { continue }
            logger.notice("NRI evicts", metadata: ["id": "\(record.id)", "reason": "\(eviction.reason)"])
            Task {
                do {
                    try await target.stopContainer(record, timeout: Self.evictionGrace)
                } catch {
                    logger.warning("NRI evict", metadata: ["id": "\(record.id)", "error": "\(error)"])
                }
            }
        }
    }
}
