internal import BackEnd
public import CRI
internal import Cgroups
internal import Executor
internal import ImageRoot
internal import Images
internal import Linux
internal import Logging
public import Runtime

/// `CreateContainer` and `StartContainer`.
extension NativeRuntime {
    /// `CreateContainer`: everything that can be decided is, and written down; a process comes with the start.
    public func createContainer(
        in sandbox: SandboxRecord, _ config: ContainerConfig, sandboxConfig: PodSandboxConfig
    ) async throws -> String {
        guard sandbox.status.state == .sandboxReady else {
            throw RuntimeError(.failedPrecondition, "create container: sandbox \(sandbox.id) is not ready")
        }
        return try await operations.run("create/\(sandbox.id)/\(config.metadata.attempt)/\(config.metadata.name)") {
            [self] in
            try await doing("create container \(config.metadata.name)") {
                try await makeWay(for: config.metadata, in: sandbox)
                return try await makeContainer(sandbox, config, sandboxConfig)
            }
        }
    }

    /// A namesake that never ran is the remains of a request that was given up.
    private func makeWay(for metadata: ContainerMetadata, in sandbox: SandboxRecord) async throws {
        for old in world.containers(in: sandbox.id) where old.status.metadata == metadata {
            guard old.status.state == .containerCreated else {
                throw RuntimeError(.alreadyExists, "container \(metadata.name): it exists as \(old.id)")
            }
            try await remove(old)
        }
    }

    private func makeContainer(
        _ sandbox: SandboxRecord, _ config: ContainerConfig, _ sandboxConfig: PodSandboxConfig
    ) async throws -> String {
        guard let image = world.image(config.image.image), let stored = images.image(id: image.id) else {
            throw RuntimeError(.notFound, "image \(config.image.image): not found")
        }
        let id = ObjectID.make()
        var request = CreateContainerRequest()
        request.podSandboxID = sandbox.id
        request.config = config
        request.sandboxConfig = sandboxConfig
        let creation = NativeCreation(self, id, sandbox, request, image, stored, world.ticket())
        do {
            try containers.begin(id, request)
            if let hooks {
                try await hooks.createContainer(in: sandbox, creation)
            } else {
                try await creation.make()
                try await creation.commit()
            }
            return id
        } catch {
            await discardContainer(id)
            throw error
        }
    }

    func status(
        _ id: String, _ request: CreateContainerRequest, _ image: ImageRecord, _ made: PreparedContainer
    ) -> ContainerStatus {
        let config = request.config
        var status = ContainerStatus()
        status.id = id
        status.metadata = config.metadata
        status.state = .containerCreated
        status.createdAt = nanosecondsNow()
        status.image = config.image
        status.imageRef = image.id
        status.imageID = image.id
        status.labels = config.labels
        status.annotations = config.annotations
        status.mounts = made.mounts
        status.resources.linux = config.linux.resources
        status.user.linux.uid = Int64(made.user.uid)
        status.user.linux.gid = Int64(made.user.gid)
        status.user.linux.supplementalGroups = made.user.groups.map(Int64.init)
        status.stopSignal =
            config.stopSignal == .runtimeDefault ? StopSignal.signal(image.stopSignal) : config.stopSignal
        if !config.logPath.isEmpty { status.logPath = "\(request.sandboxConfig.logDirectory)/\(config.logPath)" }
        return status
    }

    /// The record as the World holds it: what the files say, and what the kernel does.
    func record(
        _ sandboxID: String, _ request: CreateContainerRequest, _ status: ContainerStatus, layer: WritableLayer?,
        pid: Int32 = 0
    ) -> ContainerRecord {
        ContainerRecord(
            status: status, sandboxID: sandboxID, pid: pid, tty: request.config.tty, stdin: request.config.stdin,
            stdinOnce: request.config.stdinOnce, writableLayer: layer)
    }

    /// `StartContainer`: returns once the program runs.
    public func startContainer(_ container: ContainerRecord) async throws {
        guard container.status.state == .containerCreated else {
            throw RuntimeError(.failedPrecondition, "start container \(container.id): it is not in state CREATED")
        }
        try await operations.complete("start/\(container.id)") { [self] in
            try await doing("start container \(container.id)") {
                guard let sandbox = world.sandbox(container.sandboxID), sandbox.status.state == .sandboxReady else {
                    throw RuntimeError(.failedPrecondition, "sandbox \(container.sandboxID) is not ready")
                }
                do {
                    try await hooks?.startContainer(container)
                    try await start(container)
                } catch {
                    await hooks?.startFailed(container.id)
                    try await refuse(container, error)
                    throw error
                }
                await hooks?.started(container.id)
            }
        }
    }

    private func start(_ container: ContainerRecord) async throws {
        let pid = try await launch(container)
        // Before anyone can see it run: who stops it then waits for its end.
        lives.begin(container.id)
        do {
            try change(container: container.id) { record in
                record.status.state = .containerRunning
                record.status.startedAt = nanosecondsNow()
                record.pid = pid
            }
        } catch {
            lives.end(container.id)
            throw error
        }
        watch(container.id)
    }

    /// What could not start has exited, as with containerd: code 128 and the reason.
    private func refuse(_ container: ContainerRecord, _ error: any Error) async throws {
        try? await endProcess(container.id)
        try change(container: container.id) { record in
            record.status.state = .containerExited
            record.status.startedAt = record.status.createdAt
            record.status.finishedAt = nanosecondsNow()
            record.status.exitCode = 128
            record.status.reason = "StartError"
            record.status.message = "\(error)"
        }
    }
}
