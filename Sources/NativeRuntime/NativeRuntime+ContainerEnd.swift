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

    /// The supervisor sends the signals and keeps the time: it goes on when we are gone.
    func stop(_ container: ContainerRecord, grace: Int64) async throws {
        let seconds = min(max(grace, 0), Int64(UInt32.max / 1000))
        let signal = seconds > 0 ? StopSignal.number(of: container.status.stopSignal) : SIGKILL
        try await DedicatedThread.run { [executor] in
            guard let running = try? executor.container(container.id), running.pid > 0 else { return }
            do {
                try running.stop(signal: signal, graceMilliseconds: UInt32(seconds) * 1000)
            } catch {
                // One that has ended meanwhile, or has lost its supervisor, ends by itself.
                if running.supervision() == .supervised && running.pid > 0 { throw error }
            }
        }
        guard try await lives.ends(container.id, within: .seconds(seconds + 120)) else {
            throw RuntimeError(.unknown, "stop container \(container.id): it still runs after SIGKILL")
        }
        await hooks?.stopped(container.id)
    }

    /// `RemoveContainer`: by force.
    public func removeContainer(_ container: ContainerRecord) async throws {
        try await operations.complete("remove/\(container.id)") { [self] in
            try await doing("remove container \(container.id)") { try await remove(container) }
        }
    }

    func remove(_ container: ContainerRecord) async throws {
        if container.status.state == .containerRunning { try await stop(container, grace: 0) }
        guard let hooks else { return try await drop(container.id) }
        try await hooks.removeContainer(container) { try await drop(container.id) }
    }

    private func drop(_ id: String) async throws {
        // Who saw its end first may be here while what follows from it is still being done.
        _ = try await lives.ends(id, within: .seconds(30))
        try await release(id)
        try forget(container: id)
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
            try forget(container: id)
            unfinished.withLock { _ = $0.containers.remove(id) }
        } catch {
            logger.warning("undo container", metadata: ["id": "\(id)", "error": "\(error)"])
            unfinished.withLock { _ = $0.containers.insert(id) }
        }
    }

    // MARK: By themselves

    /// Waits for the end of a container that runs, whose life has begun, and takes it into the World.
    func watch(_ id: String) {
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
        let exit = try await DedicatedThread.run { [executor] in (try? executor.container(id))?.exitRecord() }
        do {
            try change(container: id) { $0.end(exit) }
        } catch {
            logger.error("write down the end of container", metadata: ["id": "\(id)", "error": "\(error)"])
            // The list tells the truth meanwhile.
            guard var record = world.container(id) else { return }
            record.end(exit)
            try world.put(record, world.ticket())
            Task { await self.writeDownLater(id) }
            return
        }
        await cleanUp(id)
    }

    /// The executor may forget only what is written down: a crash between the two is found by the next start.
    private func cleanUp(_ id: String) async {
        // With a shared pid namespace its other processes would live on.
        do { try await endProcess(id) } catch {
            logger.warning("clean up container", metadata: ["id": "\(id)", "error": "\(error)"])
        }
    }

    /// A full disk has room again some time, or the container is removed.
    private func writeDownLater(_ id: String) async {
        while world.container(id) != nil {
            try? await Task.sleep(for: .seconds(5))
            do {
                if try change(container: id, { _ in }) != nil { await cleanUp(id) }
                return
            } catch {
                logger.debug("the end of container is not written down yet", metadata: ["id": "\(id)"])
            }
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
