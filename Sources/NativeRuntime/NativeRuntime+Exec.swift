public import BackEnd
public import CRI
internal import Executor
internal import FoundationEssentials
internal import Glibc
internal import Linux
internal import NRI
internal import OCI
public import Runtime

/// `ExecSync` and `UpdateContainerResources`.
extension NativeRuntime {
    /// The most bytes of stdout and stderr together: the reply must stay within the 16 MiB of a gRPC message.
    private static var outputLimit: Int { (16 << 20) - (64 << 10) }

    /// `ExecSync`: nothing of the command is left running after a timeout or a cancellation.
    public func execSync(
        _ container: ContainerRecord, command: [String], timeout: Int64
    ) async throws -> ExecSyncResponse {
        guard container.status.state == .containerRunning else {
            throw RuntimeError(.failedPrecondition, "exec in container \(container.id): it is not running")
        }
        return try await doing("exec in container \(container.id)") {
            let cancelled = try WakeEvent()
            let deadline = timeout > 0 ? ContinuousClock.now + .seconds(timeout) : nil
            let result = try await withTaskCancellationHandler {
                try await DedicatedThread.run { [self] in
                    var options = ExecutorContainer.SessionOptions()
                    options.warn = warn
                    let session = try openSession(container.id, command, terminal: false, options)
                    return try session.collect(limit: Self.outputLimit, deadline: deadline, cancelled: cancelled)
                }
            } onCancel: {
                cancelled.set()
            }
            try Task.checkCancellation()
            guard let code = result.code else {
                throw RuntimeError(
                    .deadlineExceeded, "exec in container \(container.id): timeout of \(timeout) s exceeded")
            }
            var response = ExecSyncResponse()
            response.exitCode = code
            response.stdout = .init(result.stdout)
            response.stderr = .init(result.stderr)
            return response
        }
    }

    /// A command in a container, with the identity and limits of the container's own process. Blocks the thread.
    func openSession(
        _ id: String, _ command: [String], terminal: Bool, _ options: ExecutorContainer.SessionOptions
    ) throws -> ExecSession {
        let container = try executor.container(id)
        var process = try container.process()
        process.arguments = command
        process.terminal = terminal
        if terminal && !process.environment.contains(where: { $0.hasPrefix("TERM=") }) {
            process.environment.append("TERM=xterm")
        }
        return try container.exec(process, options)
    }

    /// `UpdateContainerResources`: all of them, or none.
    public func updateContainerResources(
        _ container: ContainerRecord, _ resources: LinuxContainerResources
    ) async throws {
        guard container.status.state != .containerExited else {
            throw RuntimeError(.failedPrecondition, "update container \(container.id): it has exited")
        }
        try await operations.complete("update/\(container.id)/\(resources.hashValue)") { [self] in
            try await doing("update container \(container.id)") {
                let limits =
                    try await hooks?.updateContainer(container, resources) ?? PluginLimits(resources)
                try await apply(limits, to: container)
                await hooks?.done(.postUpdateContainer, container.id)
            }
        }
    }

    /// Changes limits: all of them, or none.
    public func apply(_ limits: PluginLimits, to container: ContainerRecord) async throws {
        let before = container.status.resources.linux
        let merged = before.merging(limits.resources)
        let new = try limits.json()
        if container.status.state == .containerRunning {
            try await limit(container.id, new, or: before)
        } else {
            try rewriteSpec(container.id, new)
        }
        try change(container: container.id) { $0.status.resources.linux = merged }
    }

    /// All or nothing: what the kernel has taken is taken back when it refuses the rest.
    private func limit(
        _ id: String, _ resources: JSON, or before: LinuxContainerResources
    ) async throws {
        try await DedicatedThread.run { [executor] in
            let container = try executor.container(id)
            do {
                try container.update(parsing: resources.bytes)
            } catch {
                try? container.update(parsing: before.json().bytes)
                throw error
            }
        }
    }

    /// A container that has no process yet takes its limits from config.json.
    private func rewriteSpec(_ id: String, _ resources: JSON) throws {
        let path = "\(containers.directory(id))/config.json"
        var spec = try JSON(parsing: Files.read(path))
        spec.change("linux") { $0.change("resources") { $0.merge(resources) } }
        try Files.replace(path, with: spec.bytes, isDurable: false)
    }
}

extension PluginLimits {
    /// `linux.resources` without devices.
    fileprivate func json() throws -> JSON {
        var json = try resources.json()
        if let pids { json.set("pids", .compact([("limit", .integer(pids))])) }
        if let memoryReservation { json.change("memory") { $0.set("reservation", .integer(memoryReservation)) } }
        return json
    }
}

extension LinuxContainerResources {
    /// These limits with those of `update` in their place; zero and empty mean as it is.
    func merging(_ update: LinuxContainerResources) -> LinuxContainerResources {
        var result = self
        if update.cpuShares != 0 { result.cpuShares = update.cpuShares }
        if update.cpuQuota != 0 { result.cpuQuota = update.cpuQuota }
        if update.cpuPeriod != 0 { result.cpuPeriod = update.cpuPeriod }
        if !update.cpusetCpus.isEmpty { result.cpusetCpus = update.cpusetCpus }
        if !update.cpusetMems.isEmpty { result.cpusetMems = update.cpusetMems }
        if update.memoryLimitInBytes != 0 { result.memoryLimitInBytes = update.memoryLimitInBytes }
        if update.memorySwapLimitInBytes != 0 { result.memorySwapLimitInBytes = update.memorySwapLimitInBytes }
        if !update.hugepageLimits.isEmpty { result.hugepageLimits = update.hugepageLimits }
        result.unified.merge(update.unified) { $1 }
        return result
    }
}
