internal import BackEnd
public import CRI
internal import DockerEngine
internal import DockerLogs
internal import Glibc
internal import Linux
public import Runtime

/// The life of a container: `CreateContainer`, `StartContainer`, `StopContainer`, `RemoveContainer`, and its log.
extension DockerRuntime {
    /// `CreateContainer`: creates the Docker container and reads it into the World.
    public func createContainer(
        in sandbox: SandboxRecord, _ config: ContainerConfig, sandboxConfig: PodSandboxConfig
    ) async throws -> String {
        let node = try node()
        guard sandbox.status.state == .sandboxReady else {
            throw RuntimeError(.failedPrecondition, "create container: sandbox \(sandbox.id) is not ready")
        }
        let name = DockerName.container(config.metadata, in: sandbox.status.metadata)
        return try await operations.run("create/\(name)") { [self] in
            try await doing("create container \(name)") {
                guard let image = try await image(named: config.image.image) else {
                    throw RuntimeError(.notFound, "image \(config.image.image): not found")
                }
                let id: String
                do {
                    let spec = try await spec(config, sandbox, logDirectory: sandboxConfig.logDirectory, image, node)
                    if let hooks { return try await create(spec, asking: hooks) }
                    id = try await create(spec)
                } catch {
                    await volumes.release(owner: name, engine: engine)
                    throw error
                }
                try await refresh(id)
                return id
            }
        }
    }

    /// Creates the container. A namesake that never ran is the remains of a request that was given up: it makes way.
    func create(_ spec: ContainerSpec) async throws -> String {
        let request = try spec.request()
        do {
            return try await engine.createContainer(name: spec.name, request).Id
        } catch let error where isConflict(error) {
            guard
                let old = try? await engine.inspectContainer(spec.name),
                nanoseconds(old.State.StartedAt) == 0, !old.State.Running
            else { throw RuntimeError(.alreadyExists, "\(error)", cause: error) }
            try await removeFromDocker(old.Id)
            world.removeContainer(old.Id, world.ticket())
            return try await engine.createContainer(name: spec.name, request).Id
        }
    }

    /// `StartContainer`: also applies the limits that Docker has no word for.
    public func startContainer(_ container: ContainerRecord) async throws {
        _ = try node()
        guard container.status.state == .containerCreated else {
            throw RuntimeError(.failedPrecondition, "start container \(container.id): it is not in state CREATED")
        }
        try await operations.complete("start/\(container.id)") { [self] in
            try await doing("start container \(container.id)") {
                if container.status.mounts.contains(where: \.hasImage) {
                    try await volumes.restore(owner: container.dockerName(in: world), engine: engine)
                }
                do {
                    try await hooks?.startContainer(container)
                    _ = try await engine.startContainer(container.id)
                    try await applyLateLimits(to: container)
                    try await refresh(container.id)
                } catch {
                    try? await refresh(container.id)
                    await hooks?.startFailed(container.id)
                    throw error
                }
                await hooks?.started(container.id)
            }
        }
    }

    /// `StopContainer`: Docker keeps the grace period; returns when the log is complete.
    public func stopContainer(_ container: ContainerRecord, timeout: Int64) async throws {
        _ = try node()
        if container.status.state != .containerRunning { return }
        // A retry with another grace period must not wait for the longer one.
        try await operations.complete("stop/\(container.id)/\(timeout)") { [self] in
            try await doing("stop container \(container.id)") { try await stop(container, grace: timeout) }
        }
    }

    func stop(_ container: ContainerRecord, grace: Int64) async throws {
        // Docker tells no exit while output waits for a reader. A client that has not read two seconds after the last
        // process was killed must not keep the container.
        let cutting = Task {
            try await Task.sleep(for: .seconds(min(max(grace, 0), 1 << 31) + 2))
            streams.closeAll(of: container.id)
        }
        defer { cutting.cancel() }
        do {
            // Docker's stop sends the stop signal even when no time is left to heed it.
            if grace <= 0 {
                try await engine.killContainer(container.id)
            } else {
                _ = try await engine.stopContainer(
                    container.id, timeout: Int(clamping: grace), deadline: .seconds(min(grace, 1 << 31) + 120))
            }
        } catch let error where isNotFound(error) || isConflict(error) {
            // It is gone, or (a conflict) no longer running; whether it is, the refresh tells.
        }
        try await refresh(container.id)
        if let now = world.container(container.id), now.status.state == .containerRunning {
            throw RuntimeError(.unknown, "stop container \(container.id): it still runs after SIGKILL")
        }
        await hooks?.stopped(container.id)
    }

    /// `RemoveContainer`: by force, with its anonymous volumes.
    public func removeContainer(_ container: ContainerRecord) async throws {
        _ = try node()
        try await operations.complete("remove/\(container.id)") { [self] in
            try await doing("remove container \(container.id)") { try await remove(container) }
        }
    }

    func remove(_ container: ContainerRecord) async throws {
        guard let hooks else { return try await drop(container) }
        try await hooks.removeContainer(container) { try await drop(container) }
    }

    private func drop(_ container: ContainerRecord) async throws {
        try await removeFromDocker(container.id)
        await forget(container)
        world.removeContainer(container.id, world.ticket())
    }

    /// Lets go of everything that Fender keeps beside a container that Docker no longer has.
    func forget(_ container: ContainerRecord) async {
        await logs.forget(containerID: container.id)
        limits.remove(container.id)
        await volumes.release(owner: container.dockerName(in: world), engine: engine)
        let path = container.status.logPath
        var status = stat()
        // Dockershim's links point into a directory that is gone now; real logs are the kubelet's to delete.
        if !path.isEmpty, lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK { try? Files.remove(path) }
    }

    /// `ReopenContainerLog`: an adopted container, whose log was a link to Docker's, gets one in the CRI format.
    public func reopenContainerLog(_ container: ContainerRecord) async throws {
        guard container.status.state == .containerRunning else {
            throw RuntimeError(.failedPrecondition, "reopen log of container \(container.id): it is not running")
        }
        guard !container.status.logPath.isEmpty else { return }
        do {
            try await reopen(container)
        } catch {
            throw RuntimeError(.unknown, "reopen log of container \(container.id): \(error)", cause: error)
        }
    }

    private func reopen(_ container: ContainerRecord) async throws {
        let (source, destination) = (container.sourceLog, container.status.logPath)
        do {
            try await logs.reopen(containerID: container.id)
        } catch let error as LogError where error.code == .notFollowed {
            // Docker's other log drivers leave nothing to read.
            if source.isEmpty { return }
            if settings.logs == .symlink { return try LogManager.relink(source: source, destination: destination) }
            try await logs.takeOver(containerID: container.id, source: source, destination: destination)
        }
    }
}

extension ContainerRecord {
    /// The name Fender created it under, which also owns its image volumes.
    func dockerName(in world: World) -> String {
        guard let sandbox = world.sandbox(sandboxID) else { return "" }
        return DockerName.container(status.metadata, in: sandbox.status.metadata)
    }
}
