internal import CNI
internal import CRI
internal import DockerEngine
internal import DockerLogs
internal import Linux
internal import Logging
internal import Runtime
internal import Synchronization

/// Reading one object of Docker's into the World.
extension DockerRuntime {
    /// Reads a sandbox or container again. Afterwards the World is at least as new as this call.
    func refresh(_ id: String, deadline: Duration? = DockerEngine.defaultDeadline) async throws {
        let ticket = world.ticket()
        do {
            try await absorb(try await engine.inspectContainer(id, deadline: deadline), ticket)
        } catch let error where isNotFound(error) {
            await vanish(id, ticket)
        }
    }

    /// Takes an inspection into the World.
    func absorb(_ inspection: Docker.ContainerInspectResponse, _ ticket: Ticket) async throws {
        switch inspection.Config.Labels?[DockerLabel.type] {
        case DockerLabel.sandboxType: try await absorbSandbox(inspection, ticket)
        case DockerLabel.containerType: try await absorbContainer(inspection, ticket)
        default: break
        }
    }

    private func absorbSandbox(_ inspection: Docker.ContainerInspectResponse, _ ticket: Ticket) async throws {
        let name = String(inspection.Name.drop { $0 == "/" })
        if starting.isActive(name) { return }
        let reading = SandboxReading(
            inspection: inspection, addresses: await addresses(inspection), isComplete: !starting.isAbandoned(name))
        guard let record = reading.record() else { return }
        if !record.netns.isEmpty, inspection.HostConfig.NetworkMode == "none",
            world.sandbox(record.id)?.pid != record.pid
        {
            // For the DEL, which may come when the pause process is gone; ADD did so for what this process made.
            try? await network?.hold(sandboxID: record.id, netns: record.netns)
        }
        try world.put(record, ticket)
    }

    /// The pod's addresses as its namespace has them now.
    func addresses(_ inspection: Docker.ContainerInspectResponse) async -> [String] {
        guard inspection.State.Running, let mode = inspection.HostConfig.NetworkMode, mode != "host" else { return [] }
        guard mode == "none", let network else {
            let bridge = inspection.NetworkSettings.Networks["bridge"]
            return [bridge?.IPAddress, bridge?.GlobalIPv6Address].compactMap { $0 }.filter { !$0.isEmpty }
        }
        do {
            let result = try await network.cachedResult(sandboxID: inspection.Id)
            let found = try await network.addresses(netns: "/proc/\(inspection.State.Pid)/ns/net", result: result)
            return settings.dualStack ? found : Array(found.prefix(1))
        } catch {
            logger.debug("read addresses", metadata: ["sandbox": "\(inspection.Id)", "error": "\(error)"])
            return []
        }
    }

    private func absorbContainer(_ inspection: Docker.ContainerInspectResponse, _ ticket: Ticket) async throws {
        if hidden.withLock({ $0.contains(String(inspection.Name.drop { $0 == "/" })) }) { return }
        let known = world.container(inspection.Id)
        var reading = ContainerReading(
            inspection: inspection, image: nil, user: known.flatMap { $0.status.hasUser ? $0.status.user.linux : nil })
        reading.image = world.image(inspection.Image)
        let pid = inspection.State.Running ? Int32(clamping: inspection.State.Pid) : 0
        if pid > 0, pid != known?.pid, let credentials = try? ProcessCredentials.read(pid) {
            reading.user = LinuxContainerUser(credentials)
        }
        guard var record = reading.record() else { return }
        if let late = limits.read(record.id) {
            record.status.resources.linux.unified = late.resources.unified
            record.status.resources.linux.hugepageLimits = late.resources.hugepageLimits
        }
        await follow(record, before: known)
        try world.put(record, ticket)
    }

    /// Keeps the CRI log; a container is not EXITED before its log is complete.
    private func follow(_ record: ContainerRecord, before known: ContainerRecord?) async {
        let state = record.status.state
        guard !record.status.logPath.isEmpty, !record.sourceLog.isEmpty, state != .containerCreated else { return }
        if state == .containerExited && known?.status.state == .containerExited { return }
        do {
            if settings.logs == .symlink {
                return try LogManager.relink(
                    source: record.sourceLog, destination: record.status.logPath, isReplacing: true)
            }
            let verdict = try await logs.follow(
                containerID: record.id, source: record.sourceLog, destination: record.status.logPath)
            guard verdict == .following, state == .containerExited else { return }
            if await !logs.finish(containerID: record.id) {
                logger.warning("the log is not complete yet", metadata: ["container": "\(record.id)"])
            }
        } catch {
            logger.warning("follow log", metadata: ["container": "\(record.id)", "error": "\(error)"])
        }
    }

    /// Docker has it no more: lets go of all that stood beside it.
    func vanish(_ id: String, _ ticket: Ticket) async {
        if let container = world.container(id), container.id == id {
            await forget(container)
            world.removeContainer(id, ticket)
        }
        guard let sandbox = world.sandbox(id), sandbox.id == id else { return }
        // Removed behind our back: the address is still taken.
        await discard(id)
        world.removeSandbox(id, ticket)
    }

    /// Reads an image again by any of its names; nil when Docker does not have it.
    @discardableResult
    func refreshImage(_ name: String) async throws -> ImageRecord? {
        let ticket = world.ticket()
        do {
            let record = reading(try await engine.inspectImage(name)).record()
            try world.put(record, ticket)
            return record
        } catch let error where isNotFound(error) {
            if name.hasPrefix("sha256:") { world.removeImage(name, ticket) }
            return nil
        }
    }

    func reading(_ inspection: Docker.ImageInspect) -> ImageReading {
        ImageReading(inspection: inspection, isPinned: isInfraImage(inspection))
    }

    private func isInfraImage(_ inspection: Docker.ImageInspect) -> Bool {
        let infra = [settings.infraImage, builtInImage].compactMap { $0 }.compactMap { ImageReference($0)?.description }
        return inspection.RepoTags.contains { infra.contains(ImageReference($0)?.description ?? "") }
    }
}

extension LinuxContainerUser {
    /// The ids of a running process.
    init(_ credentials: ProcessCredentials) {
        self.init()
        uid = Int64(credentials.uid)
        gid = Int64(credentials.gid)
        supplementalGroups = credentials.groups.map(Int64.init)
    }
}
