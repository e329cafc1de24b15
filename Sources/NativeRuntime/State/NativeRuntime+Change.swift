internal import CRI
internal import Runtime
internal import Synchronization

/// Changes of what is remembered of an object: its file and its record in the World go together, one change at a time,
/// so that none is written over by an older one. No list and no status waits for them.
extension NativeRuntime {
    /// Changes a container as it is now; nil when it is gone.
    @discardableResult
    func change(container id: String, _ body: (inout ContainerRecord) -> Void) throws -> ContainerRecord? {
        try writing.withLock { _ in
            guard var record = world.container(id) else { return nil }
            body(&record)
            try containers.save(id, record.status)
            try world.put(record, world.ticket())
            return record
        }
    }

    /// Changes a sandbox as it is now; nil when it is gone.
    @discardableResult
    func change(sandbox id: String, _ body: (inout SandboxRecord) -> Void) throws -> SandboxRecord? {
        try writing.withLock { _ in
            guard var record = world.sandbox(id) else { return nil }
            body(&record)
            try sandboxes.save(id, record.status)
            try world.put(record, world.ticket())
            return record
        }
    }

    /// Forgets a container.
    func forget(container id: String) throws {
        try writing.withLock { _ in
            try containers.remove(id)
            world.removeContainer(id, world.ticket())
        }
    }

    /// Forgets a sandbox.
    func forget(sandbox id: String) throws {
        try writing.withLock { _ in
            try sandboxes.remove(id)
            world.removeSandbox(id, world.ticket())
        }
    }
}
