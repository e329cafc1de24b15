internal import BackEnd
internal import CNI
internal import CRI
internal import DockerEngine
public import Runtime

/// `StopPodSandbox` and `RemovePodSandbox`.
extension DockerRuntime {
    /// `StopPodSandbox`: may be repeated.
    public func stopPodSandbox(_ sandbox: SandboxRecord) async throws {
        _ = try node()
        try await operations.complete("stop/\(sandbox.id)") { [self] in
            try await doing("stop sandbox \(sandbox.id)") { try await stop(sandbox) }
        }
    }

    /// `RemovePodSandbox`: with the containers that are in it.
    public func removePodSandbox(_ sandbox: SandboxRecord) async throws {
        _ = try node()
        try await operations.complete("remove/\(sandbox.id)") { [self] in
            try await doing("remove sandbox \(sandbox.id)") {
                let isReady = world.sandbox(sandbox.id)?.status.state == .sandboxReady
                if isReady { try await stop(sandbox) }
                try await each(world.containers(in: sandbox.id)) { try await self.remove($0) }
                guard let hooks else { return try await drop(sandbox, isReady: isReady) }
                try await hooks.removeSandbox(sandbox.id) { try await drop(sandbox, isReady: isReady) }
            }
        }
    }

    private func drop(_ sandbox: SandboxRecord, isReady: Bool) async throws {
        try await removeFromDocker(sandbox.id)
        // Mostly done by `StopPodSandbox` before; not when the pause container ended by itself.
        if !isReady { try await disconnect(sandbox.id) }
        try checkpoints.remove(sandbox.id)
        try? starting.end(DockerName.sandbox(sandbox.status.metadata))
        world.removeSandbox(sandbox.id, world.ticket())
    }

    /// Kills the containers, then the pause container, then frees the network: an address is free only when nothing
    /// can use it any more (Kubernetes issue 105225). The network client holds the namespace open for its plugins.
    private func stop(_ sandbox: SandboxRecord) async throws {
        try await each(world.containers(in: sandbox.id).filter { $0.status.state == .containerRunning }) {
            try await self.stop($0, grace: 0)
        }
        await hooks?.stopSandbox(sandbox.id)
        do {
            _ = try await engine.stopContainer(sandbox.id, timeout: 10)
        } catch let error where isNotFound(error) {}
        try await disconnect(sandbox.id)
        try await refresh(sandbox.id)
    }

    /// Frees the addresses and host ports of a sandbox; repeating it is fine.
    func disconnect(_ id: String) async throws {
        guard let network else { return }
        let record = world.sandbox(id)
        if record?.usesHostNetwork ?? false { return }
        if let metadata = record?.status.metadata {
            var attachment = PodAttachment(
                sandboxID: id, netns: "", podName: metadata.name, podNamespace: metadata.namespace,
                podUID: metadata.uid)
            // For sandboxes of dockershims that kept no CNI cache.
            attachment.portMappings = checkpoints.read(id)?.data.portMappings ?? []
            try await network.delete(attachment)
        } else {
            try await network.delete(sandboxID: id)
        }
    }

    /// Removes a container from Docker, running or not; one that is not there is fine.
    func removeFromDocker(_ id: String) async throws {
        do {
            try await engine.removeContainer(id, force: true, volumes: true)
        } catch let error where isNotFound(error) {
        } catch let error where isConflict(error) && "\(error)".contains("already in progress") {
            _ = try? await engine.waitContainer(id, condition: .removed, deadline: .seconds(60))
        }
    }
}
