internal import CNI
internal import CRI
internal import DockerEngine
internal import DockerLogs
internal import Logging
internal import Runtime

/// Reading all of Docker's objects into the World.
extension DockerRuntime {
    /// Reads everything that differs from what the World has; at a (re)connect everything.
    func reconcile(all: Bool) async throws {
        try await reconcileImages(all: all)
        try await reconcileContainers(all: all)
    }

    private func reconcileContainers(all: Bool) async throws {
        let ticket = world.ticket()
        let summaries = try await engine.listContainers(all: true, filters: ["label": [DockerLabel.type]])
        let sandboxes = summaries.filter { $0.Labels[DockerLabel.type] == DockerLabel.sandboxType }
        let containers = summaries.filter { $0.Labels[DockerLabel.type] == DockerLabel.containerType }
        let missing = world.missing(
            sandboxes: Set(sandboxes.map(\.Id)), containers: Set(containers.map(\.Id)), ticket)
        for id in missing.containers + missing.sandboxes { await vanish(id, ticket) }
        try await inspect(sandboxes.filter { all || differs($0) }.map(\.Id))
        try await inspect(containers.filter { all || differs($0) }.map(\.Id))
    }

    private func differs(_ summary: Docker.ContainerSummary) -> Bool {
        if let container = world.container(summary.Id) {
            return (container.status.state == .containerRunning) != (summary.State == "running")
        }
        if let sandbox = world.sandbox(summary.Id) {
            return (sandbox.pid != 0) != (summary.State == "running")
        }
        return true
    }

    /// Eight at a time: Docker takes a container's lock for each.
    private func inspect(_ ids: [String]) async throws {
        var rest = ids[...]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for id in rest.prefix(8) { group.addTask { try await self.refreshTolerantly(id) } }
            rest = rest.dropFirst(8)
            while try await group.next() != nil {
                if let id = rest.popFirst() { group.addTask { try await self.refreshTolerantly(id) } }
            }
        }
    }

    /// One container that cannot be read must not hide the others; a daemon that is gone must.
    private func refreshTolerantly(_ id: String) async throws {
        do {
            try await refresh(id)
        } catch let error as DockerError where error.kind != .unavailable {
            logger.warning("read container", metadata: ["id": "\(id)", "error": "\(error)"])
        }
    }

    func reconcileImages(all: Bool) async throws {
        let ticket = world.ticket()
        let summaries = try await engine.listImages()
        for id in world.missing(images: Set(summaries.map(\.Id)), ticket) { world.removeImage(id, ticket) }
        for summary in summaries where all || differs(summary) {
            do {
                try await refreshImage(summary.Id)
            } catch let error as DockerError where error.kind != .unavailable {
                logger.warning("read image", metadata: ["id": "\(summary.Id)", "error": "\(error)"])
            }
        }
    }

    private func differs(_ summary: Docker.ImageSummary) -> Bool {
        guard let known = world.image(summary.Id) else { return true }
        let tags = summary.RepoTags.filter { !$0.hasPrefix("<none>") }.sorted()
        let digests = summary.RepoDigests.filter { !$0.hasPrefix("<none>") }.sorted()
        return known.image.repoTags != tags || known.image.repoDigests != digests
    }

    /// What earlier lives of ours left: networks, checkpoints, markers and mounts of what exists no more.
    ///
    /// Only sandboxes that have a checkpoint in our directory or in dockershim's are ours to undo: the cache of the
    /// CNI library may be shared with another runtime.
    func sweep() async {
        let sandboxes = world.sandboxes
        let live = Set(sandboxes.map(\.id))
        for store in [checkpoints] + settings.adoptedRoots.map(CheckpointStore.init) {
            for id in store.ids() where !live.contains(id) {
                do {
                    try await network?.delete(sandboxID: id)
                    try store.remove(id)
                } catch {
                    logger.warning("undo a lost sandbox", metadata: ["id": "\(id)", "error": "\(error)"])
                }
            }
        }
        if let network {
            for operation in (try? await network.pending()) ?? []
            where operation.verb == .delete || !live.contains(operation.sandboxID) {
                try? await network.delete(sandboxID: operation.sandboxID)
            }
        }
        starting.sweep(existing: Set(sandboxes.map { DockerName.sandbox($0.status.metadata) }))
        let containers = world.containers
        limits.sweep(existing: Set(containers.map(\.id)))
        await logs.forget(except: Set(containers.map(\.id)))
        await volumes.sweep(existing: Set(containers.map { $0.dockerName(in: world) }), engine: engine)
    }
}
