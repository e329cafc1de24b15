internal import BackEnd
internal import CNI
internal import CRI
internal import Executor
internal import Images
internal import Linux
internal import Logging
internal import Runtime
internal import Synchronization

/// What a start finds: pods that run on, others that ended meanwhile, and the remains of what was under way.
extension NativeRuntime {
    /// Fills the World and then keeps it until cancelled.
    public func run() async {
        async let watching: Void = network.run()
        while !world.isKnown && !Task.isCancelled {
            do {
                try await recover()
                world.markKnown()
                hooks?.worldIsKnown()
            } catch {
                logger.critical("read what there is", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: .seconds(5))
            }
        }
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(60))
            let left = unfinished.withLock { $0 }
            for id in left.containers { await discardContainer(id) }
            for id in left.sandboxes { await discard(id) }
        }
        await watching
    }

    /// Reads everything there is; a broken object costs itself only. On a node with Docker its pods wait for this, too:
    /// what can be done later is no reason to fail.
    func recover() async throws {
        await readFeatures()
        await tolerate("import the pause image") { try await importPause() }
        refreshImages(world.ticket())
        for id in try sandboxes.ids() { await recoverSandbox(id) }
        for id in try containers.ids() { await recoverContainer(id) }
        await tolerate("remove what nobody knows of") { try await removeStrangers() }
        let live = Set(world.sandboxes.filter { $0.status.state == .sandboxReady }.map(\.id))
        for (id, error) in await network.reconcile(live: live) {
            logger.warning("free the network of a sandbox", metadata: ["id": "\(id)", "error": "\(error)"])
        }
    }

    private func tolerate(_ what: String, _ body: () async throws -> Void) async {
        do { try await body() } catch { logger.error("\(what)", metadata: ["error": "\(error)"]) }
    }

    private func recoverSandbox(_ id: String) async {
        guard let (request, status) = sandboxes.read(id), status.id == id else { return await discard(id) }
        var now = status
        let options = status.linux.namespaces.options
        let pinned = namespaces(id)
        let isComplete =
            (options.network == .node || pinned.isPinned(.network))
            && ((try? options.idMaps()) == nil || pinned.isPinned(.user))
            && (try? executor.container(id))?.pid ?? 0 > 0
        if now.state == .sandboxReady && !isComplete { now.state = .sandboxNotready }
        do {
            if now != status { try sandboxes.save(id, now) }
            try world.put(record(request, now), world.ticket())
            if now.state == .sandboxReady { watchPause(id) }
        } catch {
            logger.error("recover sandbox", metadata: ["id": "\(id)", "error": "\(error)"])
        }
    }

    private func recoverContainer(_ id: String) async {
        guard let (request, status) = containers.read(id), status.id == id, world.sandbox(request.podSandboxID) != nil
        else { return await discardContainer(id) }
        let layer = images.snapshot(id).flatMap(\.upper).map {
            WritableLayer(directory: $0, storage: images.directory)
        }
        var record = record(request.podSandboxID, request, status, layer: layer)
        let container = try? executor.container(id)
        do {
            switch status.state {
            case .containerRunning where container?.supervision() == .supervised:
                record.pid = container?.pid ?? 0
            case .containerRunning:
                record.end(container?.exitRecord())
            case .containerCreated, .containerExited:
                // A start may have been under way, and be no more than a directory: who asked for it has no answer and
                // asks again.
                try await endProcess(id)
            default: break
            }
            if record.status != status { try containers.save(id, record.status) }
            try world.put(record, world.ticket())
            if record.status.state == .containerRunning {
                lives.begin(id)
                watch(id)
            } else if status.state == .containerRunning {
                // It is written down that it has ended, and of one that lost its supervisor that must become true.
                try await endProcess(id)
            }
        } catch {
            logger.error("recover container", metadata: ["id": "\(id)", "error": "\(error)"])
        }
    }

    /// Snapshots and processes of nobody's: a creation wrote its request first, so these are of another time.
    private func removeStrangers() async throws {
        let known = Set(world.containers.map(\.id))
        let processes = known.union(world.sandboxes.map(\.id))
        for key in images.snapshots() where !known.contains(key) { try images.removeSnapshot(key) }
        for container in try executor.containers() where !processes.contains(container.id) {
            try await endProcess(container.id)
        }
        for name in try Files.names(in: "\(settings.nativeState)/volumes") where !known.contains(name) {
            try releaseImageVolumes(name)
        }
    }
}
