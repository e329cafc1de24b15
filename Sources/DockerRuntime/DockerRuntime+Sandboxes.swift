internal import BackEnd
internal import CNI
public import CRI
internal import DockerEngine
internal import Glibc
internal import Logging
internal import Pause
internal import PodFiles
internal import Runtime
internal import Synchronization

/// `RunPodSandbox`.
extension DockerRuntime {
    /// `RunPodSandbox`: goes on when the caller leaves; its retry joins or finds the result.
    public func runPodSandbox(_ config: PodSandboxConfig, handler: String) async throws -> String {
        let node = try node()
        try check(handler, on: node)
        guard
            config.linux.securityContext.namespaceOptions.usernsOptions.mode != .pod
                || !config.linux.securityContext.namespaceOptions.hasUsernsOptions
        else { throw RuntimeError(.unimplemented, "user namespaces: Docker has none for a single pod") }
        let name = DockerName.sandbox(config.metadata)
        return try await operations.run("run/\(name)") { [self] in
            if let ready = existing(config.metadata) { return ready.id }
            try starting.begin(name)
            let made = try await doing("run sandbox \(name)") {
                do {
                    return try await makeSandbox(config, handler: handler, node: node)
                } catch {
                    // Unless it was abandoned.
                    if starting.isActive(name) { try? starting.end(name) }
                    throw error
                }
            }
            try await show(made, config, name)
            return made.inspection.Id
        }
    }

    /// Takes a complete sandbox into the World, once plugins have agreed to it; if they do not, nothing of it stays.
    private func show(_ made: MadeSandbox, _ config: PodSandboxConfig, _ name: String) async throws {
        guard let hooks else {
            try starting.end(name)
            return try await settle(made)
        }
        do {
            let addresses = await addresses(made.inspection)
            let reading = SandboxReading(inspection: made.inspection, addresses: addresses, isComplete: true)
            guard let record = reading.record() else {
                throw RuntimeError(.internalError, "run sandbox \(name): Docker does not show it as one")
            }
            try await hooks.runSandbox(record, config) {
                try starting.end(name)
                try await settle(made)
            }
        } catch {
            if await !discard(made.inspection.Id) { starting.abandon(name) } else { try? starting.end(name) }
            throw error
        }
    }

    /// Takes a new sandbox into the World. What Docker told of it when it started still holds while its process lives:
    /// the news of a death before this moment was dropped with all news of a sandbox in the making.
    private func settle(_ made: MadeSandbox) async throws {
        if Glibc.kill(pid_t(made.inspection.State.Pid), 0) == 0 {
            try await absorb(made.inspection, made.ticket)
        } else {
            try await refresh(made.inspection.Id)
        }
    }

    /// A sandbox that is complete, as Docker showed it once it ran.
    private struct MadeSandbox {
        var inspection: Docker.ContainerInspectResponse
        /// Drawn before the inspection.
        var ticket: Ticket
    }

    /// A repeated request finds its sandbox done.
    private func existing(_ metadata: PodSandboxMetadata) -> SandboxRecord? {
        world.sandboxes.first { $0.status.metadata == metadata && $0.status.state == .sandboxReady }
    }

    private func check(_ handler: String, on node: NodeFacts) throws {
        guard handler.isEmpty || node.info.Runtimes[handler] != nil else {
            let known = node.info.Runtimes.keys.sorted().joined(separator: ", ")
            throw RuntimeError(.invalidArgument, "runtime handler \(handler): Docker has only \(known)")
        }
    }

    /// Creates, starts and connects the pause container; on failure nothing of it stays, or it is never READY.
    private func makeSandbox(_ config: PodSandboxConfig, handler: String, node: NodeFacts) async throws
        -> MadeSandbox
    {
        let image = try await infraImage()
        let spec = SandboxSpec(
            config: config, handler: handler, imageID: image.id, imageLabels: image.labels, node: node,
            settings: settings)
        let id = try await create(spec)
        do {
            try checkpoints.write(Checkpoint(config), for: id)
            _ = try await engine.startContainer(id)
            let ticket = world.ticket()
            let inspection = try await engine.inspectContainer(id)
            try writeResolverConfiguration(config.dnsConfig, path: inspection.ResolvConfPath)
            if let network, config.linux.securityContext.namespaceOptions.network != .node {
                _ = try await network.add(config.attachment(id: id, netns: "/proc/\(inspection.State.Pid)/ns/net"))
            }
            return MadeSandbox(inspection: inspection, ticket: ticket)
        } catch {
            // Docker may be gone, and come back with the pause container running.
            if await !discard(id) { starting.abandon(spec.name) }
            throw error
        }
    }

    /// Creates the pause container. One of that name that is left over makes way first: the kubelet never asks twice
    /// for the same attempt while it wants to keep the first.
    private func create(_ spec: SandboxSpec) async throws -> String {
        let request = try spec.request()
        do {
            return try await engine.createContainer(name: spec.name, request).Id
        } catch let error where isConflict(error) {
            guard let old = try? await engine.inspectContainer(spec.name) else { throw error }
            logger.info("a sandbox of that name was left over", metadata: ["name": "\(spec.name)", "id": "\(old.Id)"])
            await discard(old.Id)
            return try await engine.createContainer(name: spec.name, request).Id
        }
    }

    /// Undoes a sandbox as far as it got; answers whether nothing of it is left. What is left is tried again.
    @discardableResult
    func discard(_ id: String) async -> Bool {
        do {
            try await removeFromDocker(id)
            try await disconnect(id)
            try checkpoints.remove(id)
            if let name = world.sandbox(id).map({ DockerName.sandbox($0.status.metadata) }), starting.isAbandoned(name)
            {
                try starting.end(name)
            }
            world.removeSandbox(id, world.ticket())
            unfinished.withLock { _ = $0.remove(id) }
            return true
        } catch {
            logger.warning("undo sandbox", metadata: ["id": "\(id)", "error": "\(error)"])
            unfinished.withLock { _ = $0.insert(id) }
            return false
        }
    }

    /// Tries again to undo what could not be undone when it failed or vanished.
    func discardUnfinished() async {
        for id in unfinished.withLock({ $0 }) { await discard(id) }
    }

    /// Containers that join the sandbox bind-mount this very file, so it is rewritten in place.
    private func writeResolverConfiguration(_ dns: DNSConfig, path: String) throws {
        let resolver = ResolverConfiguration(servers: dns.servers, searches: dns.searches, options: dns.options)
        if resolver.isEmpty || path.isEmpty { return }
        try PodFile.rewrite(path, try invalid { try resolver.text() })
    }

    /// The image of pause containers: the configured one when Docker has it, else the built-in one.
    func infraImage() async throws -> ImageRecord {
        if let name = settings.infraImage {
            if let image = try await image(named: name) { return image }
            logger.warning(
                "the configured infra image is absent; using the built-in one", metadata: ["image": "\(name)"])
        }
        if let image = try await image(named: PauseImage.reference) { return image }
        _ = try await engine.loadImage(.bytes(PauseImage.archive()))
        guard let image = try await refreshImage(PauseImage.reference) else {
            throw RuntimeError(.internalError, "load the built-in pause image: Docker does not show it")
        }
        return image
    }
}
