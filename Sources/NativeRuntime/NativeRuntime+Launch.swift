internal import CRI
internal import Executor
internal import Linux
public import Runtime

/// From a container's files to its running process.
extension NativeRuntime {
    /// Starts the process under a supervisor of its own; answers its pid once the program runs.
    func launch(_ container: ContainerRecord) async throws -> Int32 {
        let request = try containers.request(container.id)
        var options = SupervisorOptions(bundle: containers.directory(container.id))
        options.logPath = container.status.logPath.isEmpty ? nil : container.status.logPath
        options.stdin = request.config.stdin
        options.stdinOnce = request.config.stdinOnce
        options.cgroup = "/fender/monitors"
        options.create.warn = warn
        options.create.runtime = try world.sandbox(container.sandboxID).flatMap { try program(of: $0) }
        return try await DedicatedThread.run { [self, options] in
            if let path = options.logPath, let slash = path.lastIndex(of: "/") {
                try Files.makeDirectories(String(path[..<slash]), mode: 0o755)
            }
            let supervised = try executor.supervise(container.id, options)
            do {
                for warning in try supervised.start() { warn(warning) }
                return supervised.pid
            } catch {
                _ = try? supervised.delete(force: true)
                throw error
            }
        }
    }

    /// `ReopenContainerLog`: the supervisor goes on with a new file.
    public func reopenContainerLog(_ container: ContainerRecord) async throws {
        guard container.status.state == .containerRunning else {
            throw RuntimeError(.failedPrecondition, "reopen log of container \(container.id): it is not running")
        }
        try await doing("reopen log of container \(container.id)") {
            try await DedicatedThread.run { [executor] in try executor.container(container.id).reopenLog() }
        }
    }
}
