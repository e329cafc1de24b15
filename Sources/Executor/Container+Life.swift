internal import Glibc
internal import Linux
public import OCI

extension Container {
    /// Lets the process that waits go on, and returns once its program runs. Hooks that fail after that are returned.
    public func start() throws -> [String] {
        try locked { try record.runtime.map { try letGo(by: $0) } ?? letGo() }
        guard record.hasHooks, record.runtime == nil else { return [] }
        let hooks = try spec().hooks.poststart
        return hooks.isEmpty ? [] : HookRunner.runAll(hooks, state(.running))
    }

    private func requireCreated() throws {
        switch status() {
        case .created: break
        case .stopped: throw ExecutorError("cannot start a container that has stopped")
        case .creating: throw ExecutorError("cannot start a container that is being created")
        case .paused, .running: throw ExecutorError("cannot start an already running container")
        }
    }

    private func letGo(by runtime: RuntimeProgram) throws {
        try requireCreated()
        try noteStart()
        try ask(runtime, ["start", id])
    }

    private func letGo() throws {
        try requireCreated()
        let result = try Descriptor.open(resultFIFO, O_RDONLY | O_NONBLOCK)
        do {
            // Without a reader, which only a waiting process is, this fails.
            let start = try Descriptor.open(startFIFO, O_WRONLY | O_NONBLOCK)
            try noteStart()
            try [UInt8](arrayLiteral: 1).withUnsafeBytes { try start.writeAll($0) }
        } catch let error as SystemError where error.code == ENXIO || error.code == EPIPE {
            throw ExecutorError("cannot start a container that has stopped")
        }
        try awaitExec(result)
        try Files.remove(startFIFO)
        try Files.remove(resultFIFO)
    }

    /// The FIFO hangs up when the exec closes the process's end; before that it may tell of a failure.
    private func awaitExec(_ result: borrowing Descriptor) throws {
        var entry = pollfd(fd: result.raw, events: Int16(POLLIN), revents: 0)
        let raw = result.raw
        while true {
            try system("poll") { poll(&entry, 1, -1) }
            var buffer = [UInt8](repeating: 0, count: 16 << 10)
            let count = buffer.withUnsafeMutableBytes { read(raw, $0.baseAddress, $0.count) }
            if count == 0 { return }
            if count > 0, case .failure(let text) = try MonitorProcess.decode(Array(buffer[..<count])) {
                throw ExecutorError(text)
            }
        }
    }

    /// Sends a signal to the first process, or to all.
    public func kill(_ signal: Int32, all: Bool) throws {
        let sent = try record.process?.send(signal) ?? false
        if all {
            for process in try cgroups.processes(everywhere: false).compactMap(ProcessIdentity.find)
            where process != record.process {
                _ = try process.send(signal)
            }
        } else if !sent {
            throw ExecutorError("container not running")
        }
    }

    /// Removes every trace. With `force` also of one that runs, or was never finished. Failures of hooks are returned.
    public func delete(force: Bool) throws -> [String] {
        let status = status()
        guard force || status == .stopped || status == .created else {
            throw ExecutorError("cannot delete container \(id) that is not stopped: \(status.rawValue)")
        }
        let cgroups = cgroups
        endProcesses(cgroups, everywhere: record.process == nil || status == .creating)
        endSupervisor()
        let hooks = try locked {
            if let runtime = record.runtime { try forget(by: runtime) }
            do {
                try record.unit?.stop()
                try cgroups.remove()
            } catch {
                endProcesses(cgroups, everywhere: true)
                try cgroups.remove()
            }
            let hooks = record.hasHooks && record.runtime == nil ? ((try? spec())?.hooks.poststop) ?? [] : []
            try removeDirectory()
            return hooks
        }
        return HookRunner.runAll(hooks, state(.stopped))
    }

    /// Freezes all processes.
    public func pause() throws {
        try locked {
            let status = status()
            guard status == .running || status == .created else {
                throw ExecutorError("container not running: \(status.rawValue)")
            }
            try cgroups.freeze(true)
        }
    }

    /// Thaws them.
    public func resume() throws {
        try locked {
            guard status() == .paused else { throw ExecutorError("container not paused") }
            try cgroups.freeze(false)
        }
    }

    /// Changes limits; nil fields stay as they are.
    public func update(_ resources: Resources) throws {
        try locked {
            guard status() != .stopped else { throw ExecutorError("container not running") }
            try record.unit?.update(resources, isUnified: cgroups is UnifiedCgroups)
            try cgroups.update(resources)
        }
    }

    /// The pids of all processes.
    public func processes() throws -> [Int32] { try cgroups.processes(everywhere: true) }

    /// What `events --stats` prints.
    public func statistics() -> JSON {
        .compact([("type", .string("stats")), ("id", .string(id)), ("data", cgroups.statistics())])
    }
}

extension ContainerStore {
    /// Removes a directory in which no container was ever finished enough to be read; false when there is none.
    public func deleteRemains(_ id: String) throws -> Bool {
        try Self.check(id)
        guard directoryExists(id) else { return false }
        try Self.remove(directory: "\(root)/\(id)")
        return true
    }

    /// Removes a container's directory. A supervisor whose maker died may still make its socket there, until it notices.
    static func remove(directory: String) throws {
        for attempt in 1... {
            for name in try Files.names(in: directory) { try Files.remove("\(directory)/\(name)") }
            do {
                return try Files.removeDirectory(directory)
            } catch let error as SystemError where error.code == ENOTEMPTY && attempt < 100 {
                usleep(10_000)
            }
        }
    }
}
