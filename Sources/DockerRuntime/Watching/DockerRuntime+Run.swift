internal import BackEnd
internal import CNI
internal import CRI
internal import DockerEngine
internal import DockerLogs
internal import Logging
internal import Pause
internal import Runtime
internal import Synchronization

/// Keeping the World: connect, subscribe, read everything, then follow the events; again whenever Docker went away.
extension DockerRuntime {
    var builtInImage: String { PauseImage.reference }

    /// Runs until the task is cancelled.
    public func run() async {
        await withTaskGroup(of: Void.self) { group in
            if let network { group.addTask { await network.run() } }
            group.addTask { await self.keepWatching() }
        }
        await logs.stop()
    }

    private func keepWatching() async {
        var pause = Duration.milliseconds(100)
        while !Task.isCancelled {
            let start = ContinuousClock.now
            do {
                try await watch()
            } catch {
                loseConnection(error)
            }
            if start.duration(to: .now) > .seconds(5) { pause = .milliseconds(100) }
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, .seconds(1))
        }
    }

    private func loseConnection(_ error: any Error) {
        let wasUp = connection.withLock { connection in
            defer { connection = .down(connection.lastFacts, reason: "\(error)") }
            if case .up = connection { return true }
            if case .never = connection { return true }
            return false
        }
        execExits.giveUp()
        if wasUp && !Task.isCancelled { logger.error("Docker does not answer", metadata: ["error": "\(error)"]) }
    }

    /// One connection, from the first ping to the end of the events.
    private func watch() async throws {
        let version = try await engine.ping()
        let info = try await engine.info(deadline: .seconds(30))
        let facts = NodeFacts(apiVersion: version, info: info)
        // Subscribed before the lists are read, so that nothing falls between.
        let events = try await engine.events(filters: ["type": ["container", "image"]], deadline: nil)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for try await event in events { self.take(event) }
                throw RuntimeError(.unavailable, "Docker closed the stream of events")
            }
            group.addTask {
                try await self.reconcile(all: true)
                await self.becomeConnected(facts)
                while true {
                    try await Task.sleep(for: .seconds(180))
                    try await self.reconcile(all: false)
                    await self.discardUnfinished()
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func becomeConnected(_ facts: NodeFacts) async {
        connection.withLock { $0 = .up(facts) }
        let isFirst = !world.isKnown
        let lost = isFirst ? await sweep() : []
        world.markKnown()
        hooks?.worldIsKnown()
        // Plugins may take their time, which is nobody's to wait for.
        Task {
            await self.undo(lost)
            await self.discardUnfinished()
        }
        logger.info(
            "connected to Docker",
            metadata: [
                "version": "\(facts.serverVersion)", "api": "\(facts.apiVersion)",
                "sandboxes": "\(world.sandboxes.count)", "containers": "\(world.containers.count)",
                "images": "\(world.images.count)",
            ])
    }

    private func take(_ event: Docker.EventMessage) {
        switch event.Type {
        case "container": takeContainer(event)
        case "image": takeImage(event)
        default: break
        }
    }

    private func takeContainer(_ event: Docker.EventMessage) {
        let action = event.Action.split(separator: ":").first.map(String.init) ?? ""
        if action == "exec_die" {
            let attributes = event.Actor.Attributes
            if let exec = attributes["execID"], let code = attributes["exitCode"].flatMap({ Int($0) }) {
                execExits.ended(exec, code: code)
            }
            return
        }
        // `stop` and `kill` tell nothing that `die` does not.
        let interesting = ["create", "start", "die", "oom", "destroy", "rename", "update", "pause", "unpause"]
        guard interesting.contains(action), event.Actor.Attributes[DockerLabel.type] != nil else { return }
        let id = event.Actor.ID
        if isOurs(action, on: id, named: event.Actor.Attributes["name"] ?? "") { return }
        refreshes.request(id, unless: { shows(action, of: id, since: event.timeNano) }) {
            await self.tolerate("read container \(id)") { try await self.refresh(id) }
        }
    }

    /// Whether the event tells of an operation of ours, which takes the outcome into the World before it ends.
    private func isOurs(_ action: String, on id: String, named name: String) -> Bool {
        switch action {
        case "create": operations.isRunning("create/\(name)") || operations.isRunning("run/\(name)")
        case "start": operations.isRunning("start/\(id)") || operations.isRunning("run/\(name)")
        case "destroy":
            operations.isRunning("remove/\(id)")
                || world.container(id).map { operations.isRunning("remove/\($0.sandboxID)") } ?? false
        default: false
        }
    }

    /// Whether the World has what an event at `time` (nanoseconds since the epoch) tells; Docker emits the event a
    /// little after the moment that its record names.
    private func shows(_ action: String, of id: String, since time: Int64) -> Bool {
        let container = world.container(id)?.status
        let sandbox = world.sandbox(id)
        switch action {
        case "create": return container != nil || sandbox != nil
        case "start":
            return container.map { $0.state == .containerRunning && $0.startedAt + 200_000_000 > time } ?? false
        case "die":
            return container.map { $0.state == .containerExited && $0.finishedAt + 200_000_000 > time } ?? false
        case "destroy": return container == nil && sandbox == nil
        default: return false
        }
    }

    private func takeImage(_ event: Docker.EventMessage) {
        let id = event.Actor.ID
        if ["delete", "untag"].contains(event.Action) {
            refreshes.request(id) {
                await self.tolerate("read image \(id)") { try await self.refreshImage(id) }
            }
        } else if ["pull", "tag", "load", "import", "prune"].contains(event.Action) {
            // A name may have moved from one image to another.
            refreshes.request("images") {
                await self.tolerate("read images") { try await self.reconcileImages(all: false) }
            }
        }
    }

    private func tolerate(_ what: String, _ body: () async throws -> Void) async {
        do {
            try await body()
        } catch {
            logger.debug("\(what)", metadata: ["error": "\(error)"])
        }
    }
}
