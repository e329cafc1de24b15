internal import CNI
internal import CRI
internal import DockerEngine
internal import DockerLogs
internal import Logging
internal import Runtime
internal import Synchronization

/// Reading all of Docker's objects into the World.
extension DockerRuntime {
    /// Reads everything that differs from what the World has; at a (re)connect everything.
    func reconcile(all: Bool) async throws {
        try await reconcileImages(all: all)
        try await reconcileContainers(all: all)
        reconciled.withLock { $0 = .now }
    }

    private func reconcileContainers(all: Bool) async throws {
        let ticket = world.ticket()
        let summaries = try await engine.listContainers(all: true, filters: ["label": [DockerLabel.type]])
        let sandboxes = summaries.filter { $0.Labels[DockerLabel.type] == DockerLabel.sandboxType }
        let containers = summaries.filter { $0.Labels[DockerLabel.type] == DockerLabel.containerType }
        let missing = world.missing(
            sandboxes: Set(sandboxes.map(\.Id)), containers: Set(containers.map(\.Id)), ticket)
        for id in missing.containers + missing.sandboxes { await vanish(id, ticket) }
        try await inspect(sandboxes.filter { all || differs($0) })
        try await inspect(containers.filter { all || differs($0) })
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
    private func inspect(_ summaries: [Docker.ContainerSummary]) async throws {
        var rest = summaries[...]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for one in rest.prefix(8) { group.addTask { try await self.refreshTolerantly(one) } }
            rest = rest.dropFirst(8)
            while try await group.next() != nil {
                if let one = rest.popFirst() { group.addTask { try await self.refreshTolerantly(one) } }
            }
        }
    }

    /// One container that cannot be read must not hide the others, nor be missing, which would read as its death; a
    /// daemon that is gone must.
    private func refreshTolerantly(_ summary: Docker.ContainerSummary) async throws {
        let ticket = world.ticket()
        do {
            try await refresh(summary.Id, deadline: .seconds(30))
        } catch let error as DockerError where error.kind != .unavailable {
            logger.warning("read container", metadata: ["id": "\(summary.Id)", "error": "\(error)"])
            try await absorb(summary, ticket)
        }
    }

    /// Takes what the list tells of a container that the World does not have yet.
    private func absorb(_ summary: Docker.ContainerSummary, _ ticket: Ticket) async throws {
        guard world.sandbox(summary.Id) == nil, world.container(summary.Id) == nil else { return }
        let reading = SummaryReading(summary: summary)
        if hidden.withLock({ $0.contains(reading.name) }) { return }
        if summary.Labels[DockerLabel.type] == DockerLabel.containerType {
            if let record = reading.container(image: world.image(summary.ImageID)) { try world.put(record, ticket) }
        } else {
            let addresses = try? await network?.cachedResult(sandboxID: summary.Id)?.podIPs
            let record = reading.sandbox(
                addresses: addresses ?? [], isComplete: !starting.isAbandoned(reading.name))
            if let record { try world.put(record, ticket) }
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

    /// Drops markers, limits, log positions and mounts of what exists no more, before anything new is made; answers the
    /// sandboxes whose networks and checkpoints are left to ``undo(_:)``.
    ///
    /// Only sandboxes that have a checkpoint in our directory or in dockershim's are ours to undo: the cache of the
    /// CNI library may be shared with another runtime. What exists is what Docker lists: the World may lack a
    /// container that could not be read, which is not gone for that.
    func sweep() async -> [Remains] {
        let summaries: [Docker.ContainerSummary]
        do {
            summaries = try await engine.listContainers(all: true, filters: ["label": [DockerLabel.type]])
        } catch {
            logger.warning("look for what a crash left", metadata: ["error": "\(error)"])
            return []
        }
        let existing = Set(summaries.map(\.Id))
        let names = Set(summaries.flatMap(\.Names).map { String($0.drop { $0 == "/" }) })
        starting.sweep(existing: names)
        limits.sweep(existing: existing)
        await logs.forget(except: existing)
        await volumes.sweep(existing: names, engine: engine)
        let pending = ((try? await network?.pending()) ?? []).filter { operation in
            operation.verb == .delete || !existing.contains(operation.sandboxID)
        }
        return checkpoints.ids().union(pending.map(\.sandboxID)).subtracting(existing).map { Remains(id: $0) }
            + pending.map(\.sandboxID).filter(existing.contains).map { Remains(id: $0, isListed: true) }
    }

    /// A sandbox whose network is to be undone.
    struct Remains: Sendable {
        var id: String
        /// Docker still has it; it was being stopped.
        var isListed = false
    }

    /// Frees the networks of sandboxes that Docker does not have any more or that were being stopped.
    func undo(_ remains: [Remains]) async {
        var rest = remains[...]
        await withTaskGroup(of: Void.self) { group in
            for one in rest.prefix(4) { group.addTask { await self.undo(one) } }
            rest = rest.dropFirst(4)
            while await group.next() != nil {
                if let one = rest.popFirst() { group.addTask { await self.undo(one) } }
            }
        }
    }

    private func undo(_ remains: Remains) async {
        let id = remains.id
        do {
            if remains.isListed { return try await network?.delete(sandboxID: id) ?? () }
            guard try await !(network?.isInUse(sandboxID: id) ?? false) else {
                // The shim that wrote the checkpoint may work with another daemon.
                return logger.warning("a sandbox unknown to Docker uses its address", metadata: ["id": "\(id)"])
            }
            try await network?.delete(sandboxID: id)
            try checkpoints.remove(id)
        } catch {
            logger.warning("undo a lost sandbox", metadata: ["id": "\(id)", "error": "\(error)"])
        }
    }
}
