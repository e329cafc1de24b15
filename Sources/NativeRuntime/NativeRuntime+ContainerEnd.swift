internal import BackEnd
internal import CRI
internal import Executor
internal import Glibc
internal import Images
internal import Linux
internal import Logging
public import Runtime
internal import Synchronization

/// How containers end: `StopContainer`, `RemoveContainer`, and by themselves.
extension NativeRuntime {
    /// `StopContainer`: the stop signal, the grace period, SIGKILL; returns when the end is written down.
    public func stopContainer(_ container: ContainerRecord, timeout: Int64) async throws {
        if container.status.state != .containerRunning { return }
        // A retry with another grace period must not wait for the longer one.
        try await operations.complete("stop/\(container.id)/\(timeout)") { [self] in
            try await doing("stop container \(container.id)") { try await stop(container, grace: timeout) }
        }
    }

    func stop(_ container: ContainerRecord, grace: Int64) async throws {
        if grace > 0 {
            try signal(container.id, StopSignal.number(of: container.status.stopSignal), all: false)
            if try await lives.ends(container.id, within: .seconds(min(grace, 1 << 31))) { return }
        }
        try signal(container.id, SIGKILL, all: true)
        guard try await lives.ends(container.id, within: .seconds(120)) else {
            throw RuntimeError(.unknown, "stop container \(container.id): it still runs after SIGKILL")
        }
    }

    /// Sends a signal; to a container that has ended it is fine.
    private func signal(_ id: String, _ number: Int32, all: Bool) throws {
        guard let container = try? executor.container(id), container.pid > 0 else { return }
        do {
            try container.kill(number, all: all)
        } catch {
            if container.pid > 0 { throw error }
        }
    }

    /// `RemoveContainer`: by force.
    public func removeContainer(_ container: ContainerRecord) async throws {
        try await operations.complete("remove/\(container.id)") { [self] in
            try await doing("remove container \(container.id)") { try await remove(container) }
        }
    }

    func remove(_ container: ContainerRecord) async throws {
        if container.status.state == .containerRunning { try await stop(container, grace: 0) }
        try await release(container.id)
        try containers.remove(container.id)
        world.removeContainer(container.id, world.ticket())
    }

    /// Lets go of everything a container holds but its files. Repeating it is fine.
    private func release(_ id: String) async throws {
        try await endProcess(id)
        try await DedicatedThread.run { [self] in
            try releaseImageVolumes(id)
            try images.removeSnapshot(id)
        }
    }

    /// Ends what is left of the container's processes, and the executor's traces of it.
    func endProcess(_ id: String) async throws {
        try await DedicatedThread.run { [self] in
            if let container = try? executor.container(id) { _ = try container.delete(force: true) }
            _ = try executor.deleteRemains(id)
        }
    }

    /// Undoes a container as far as it got; what is left is tried again.
    func discardContainer(_ id: String) async {
        do {
            try await release(id)
            try containers.remove(id)
            world.removeContainer(id, world.ticket())
            unfinished.withLock { _ = $0.containers.remove(id) }
        } catch {
            logger.warning("undo container", metadata: ["id": "\(id)", "error": "\(error)"])
            unfinished.withLock { _ = $0.containers.insert(id) }
        }
    }

    // MARK: By themselves

    /// Waits for the end of a container that runs, and takes it into the World.
    func watch(_ id: String) {
        lives.begin(id)
        Task {
            do {
                try await (try? executor.container(id))?.supervisorEnd(loop)
                try await hasEnded(id)
            } catch {
                logger.error("watch container", metadata: ["id": "\(id)", "error": "\(error)"])
            }
            lives.end(id)
        }
    }

    private func hasEnded(_ id: String) async throws {
        let ticket = world.ticket()
        let exit = try await DedicatedThread.run { [executor] in (try? executor.container(id))?.exitRecord() }
        guard var record = world.container(id), record.status.state == .containerRunning else { return }
        record.end(exit)
        let isWritten = await writeDown(record)
        try world.put(record, ticket)
        if !isWritten { Task { await writeDownLater(record) } }
    }

    /// Writes an end down, and only then has the executor forget: a crash between the two is found by the next start.
    private func writeDown(_ record: ContainerRecord) async -> Bool {
        do {
            try containers.save(record.id, record.status)
        } catch {
            logger.error("write down the end of container", metadata: ["id": "\(record.id)", "error": "\(error)"])
            return false
        }
        // With a shared pid namespace its other processes would live on.
        do { try await endProcess(record.id) } catch {
            logger.warning("clean up container", metadata: ["id": "\(record.id)", "error": "\(error)"])
        }
        return true
    }

    /// A full disk has room again some time, or the container is removed.
    private func writeDownLater(_ record: ContainerRecord) async {
        while world.container(record.id) != nil {
            try? await Task.sleep(for: .seconds(5))
            if await writeDown(record) { return }
        }
    }
}

extension ContainerRecord {
    /// Takes in an end; nil is one of which nothing is known, as after a reboot.
    mutating func end(_ exit: ExitRecord?) {
        pid = 0
        status.state = .containerExited
        status.finishedAt = exit?.finishedAt ?? nanosecondsNow()
        status.exitCode = exit?.code ?? 255
        status.reason =
            exit.map { $0.oomKills > 0 && $0.code != 0 ? "OOMKilled" : $0.code == 0 ? "Completed" : "Error" }
            ?? "Unknown"
        if let startedAt = exit?.startedAt, startedAt > 0 { status.startedAt = startedAt }
    }
}
