internal import BackEnd
internal import CNI
internal import CRI
internal import Executor
internal import Linux
internal import Logging
public import Runtime
internal import Synchronization

/// `StopPodSandbox` and `RemovePodSandbox`.
extension NativeRuntime {
    /// `StopPodSandbox`: may be repeated.
    public func stopPodSandbox(_ sandbox: SandboxRecord) async throws {
        try await operations.complete("stop/\(sandbox.id)") { [self] in
            try await doing("stop sandbox \(sandbox.id)") { try await stop(sandbox.id) }
        }
    }

    /// `RemovePodSandbox`: with the containers that are in it.
    public func removePodSandbox(_ sandbox: SandboxRecord) async throws {
        try await operations.complete("remove/\(sandbox.id)") { [self] in
            try await doing("remove sandbox \(sandbox.id)") {
                try await stop(sandbox.id)
                try await each(world.containers(in: sandbox.id)) { try await self.remove($0) }
                guard let hooks else { return try forget(sandbox: sandbox.id) }
                try await hooks.removeSandbox(sandbox.id) { try forget(sandbox: sandbox.id) }
            }
        }
    }

    /// Kills the containers and the pause process, then frees the network: an address is free only when nothing can
    /// use it any more (Kubernetes issue 105225). Does what is left to do.
    private func stop(_ id: String) async throws {
        try await each(world.containers(in: id).filter { $0.status.state == .containerRunning }) {
            try await self.stop($0, grace: 0)
        }
        await hooks?.stopSandbox(id)
        try await release(id)
        try change(sandbox: id) { record in
            record.status.state = .sandboxNotready
            record.pid = 0
            record.netns = ""
        }
    }

    /// Lets go of everything a sandbox holds but its files. Repeating it is fine.
    private func release(_ id: String) async throws {
        try await endPause(id)
        let namespaces = namespaces(id)
        try await network.delete(
            sandboxID: id, netns: namespaces.isPinned(.network) ? namespaces.path(.network) : "")
        try namespaces.release()
        try Mounts.detachAll(sharedMemory(id))
        try Files.removeDirectory(sharedMemory(id))
        try Files.removeDirectory("\(settings.nativeState)/sandboxes/\(id)")
    }

    /// Undoes a sandbox as far as it got; what is left is tried again.
    func discard(_ id: String) async {
        do {
            try await release(id)
            try forget(sandbox: id)
            unfinished.withLock { _ = $0.sandboxes.remove(id) }
        } catch {
            logger.warning("undo sandbox", metadata: ["id": "\(id)", "error": "\(error)"])
            unfinished.withLock { _ = $0.sandboxes.insert(id) }
        }
    }
}
