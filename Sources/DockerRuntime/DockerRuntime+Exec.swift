public import BackEnd
public import CRI
internal import Cgroups
internal import DockerEngine
internal import FoundationEssentials
internal import Linux
internal import Logging
internal import NRI
public import Runtime

/// `ExecSync` and `UpdateContainerResources`.
extension DockerRuntime {
    /// The most bytes of stdout and stderr together: the reply must stay within the 16 MiB of a gRPC message.
    private static var outputLimit: Int { (16 << 20) - (64 << 10) }

    /// `ExecSync`: nothing of the command is left running after a timeout or a cancellation.
    public func execSync(
        _ container: ContainerRecord, command: [String], timeout: Int64
    ) async throws -> ExecSyncResponse {
        _ = try node()
        guard container.status.state == .containerRunning else {
            throw RuntimeError(.failedPrecondition, "exec in container \(container.id): it is not running")
        }
        return try await doing("exec in container \(container.id)") {
            var config = Docker.ExecConfig(Cmd: command)
            config.AttachStdout = true
            config.AttachStderr = true
            let exec = try await engine.createExec(container: container.id, config)
            do {
                let output = try await engine.collectExec(
                    exec, limit: Self.outputLimit, timeout: timeout > 0 ? .seconds(timeout) : nil)
                var response = ExecSyncResponse()
                response.stdout = .init(output.stdout)
                response.stderr = .init(output.stderr)
                response.exitCode = Int32(truncatingIfNeeded: try await exitCode(of: exec))
                return response
            } catch let error as DockerError where error.kind == .timeout {
                await kill(exec)
                throw RuntimeError(
                    .deadlineExceeded, "exec in container \(container.id): timeout of \(timeout) s exceeded")
            } catch is CancellationError {
                // The caller is gone and so is this task's right to wait; the process must not stay.
                Task { await self.kill(exec) }
                throw CancellationError()
            }
        }
    }

    /// The output has ended; the exit itself is told by an event, or was before we asked.
    func exitCode(of exec: String) async throws -> Int {
        let exit = execExits.expect(exec)
        defer { execExits.forget(exec) }
        let inspection = try await engine.inspectExec(exec)
        if !inspection.Running, let code = inspection.ExitCode { return code }
        return try await exit.value()
    }

    /// Docker has no call to end an exec: its process and what it started are killed by pid.
    func kill(_ exec: String) async {
        do {
            guard let inspection = try await started(exec) else { return }
            let pid = Int32(clamping: inspection.Pid)
            let `init` = Int32(world.container(inspection.ContainerID)?.pid ?? 0)
            guard inspection.Running || `init` > 0 else { return }
            let gone = try await DedicatedThread.run {
                // What the command left behind counts too, but never a stranger that got its number.
                let cgroup = `init` > 0 ? try CgroupHierarchies.read().cgroup(of: `init`) : nil
                return try ProcessTree.kill(pid, isExpected: cgroup.map { cgroup in { cgroup.contains($0) } })
            }
            if !gone { logger.warning("exec survives SIGKILL", metadata: ["exec": "\(exec)", "pid": "\(pid)"]) }
        } catch let error where isNotFound(error) {
        } catch {
            logger.warning("kill exec", metadata: ["exec": "\(exec)", "error": "\(error)"])
        }
    }

    /// The exit code that Docker makes up for an exec whose start or streams failed.
    private static let brokenExec = 126

    /// An exec that may have a process; nil when it has ended, or was not started within ten minutes: a flood of
    /// execs can make Docker that late.
    ///
    /// Docker answers a start before it starts anything and tells nobody when there is a pid: looking again is all
    /// there is to do.
    private func started(_ exec: String) async throws -> Docker.ExecInspectResponse? {
        for attempt in 0..<600 {
            let inspection = try await engine.inspectExec(exec, deadline: .seconds(10))
            if inspection.Running && inspection.Pid > 1 { return inspection }
            if let code = inspection.ExitCode, !inspection.Running {
                // Docker 20.10 also tells of an exec so whose output it could not write to the client: it runs on.
                return code == Self.brokenExec && inspection.Pid > 1 ? inspection : nil
            }
            try await Task.sleep(for: .milliseconds(min(1000, 50 * (attempt + 1))))
        }
        logger.warning("an exec was not started in time to be killed", metadata: ["exec": "\(exec)"])
        return nil
    }

    /// `UpdateContainerResources`: all of them, or none.
    public func updateContainerResources(
        _ container: ContainerRecord, _ resources: LinuxContainerResources
    ) async throws {
        _ = try node()
        guard container.status.state != .containerExited else {
            throw RuntimeError(.failedPrecondition, "update container \(container.id): it has exited")
        }
        try await operations.complete("update/\(container.id)/\(resources.hashValue)") { [self] in
            try await doing("update container \(container.id)") {
                let limits = try await hooks?.updateContainer(container, resources) ?? PluginLimits(resources)
                try await apply(limits, to: container)
                await hooks?.done(.postUpdateContainer, container.id)
            }
        }
    }

    /// Changes limits: all of them, or none.
    public func apply(_ limits: PluginLimits, to container: ContainerRecord) async throws {
        let before = container.status.resources.linux
        try await update(container, limits)
        do {
            try await updateLateLimits(container, limits.resources)
        } catch {
            // All or nothing: what Docker has taken is taken back.
            try? await update(container, PluginLimits(before))
            throw error
        }
        try await refresh(container.id)
    }

    private func update(_ container: ContainerRecord, _ limits: PluginLimits) async throws {
        let resources = limits.resources
        var update = Docker.UpdateConfig()
        if resources.cpuShares != 0 { update.CpuShares = resources.cpuShares }
        if resources.cpuQuota != 0 { update.CpuQuota = resources.cpuQuota }
        if resources.cpuPeriod != 0 { update.CpuPeriod = resources.cpuPeriod }
        if !resources.cpusetCpus.isEmpty { update.CpusetCpus = resources.cpusetCpus }
        if !resources.cpusetMems.isEmpty { update.CpusetMems = resources.cpusetMems }
        if resources.memoryLimitInBytes != 0 {
            update.Memory = resources.memoryLimitInBytes
            update.MemorySwap = resources.dockerMemorySwap
        }
        update.PidsLimit = limits.pids
        update.MemoryReservation = limits.memoryReservation
        _ = try await engine.updateContainer(container.id, update)
    }

    private func updateLateLimits(_ container: ContainerRecord, _ resources: LinuxContainerResources) async throws {
        let late = LateLimits(resources)
        if late.isEmpty { return }
        try await apply(late, pid: container.pid)
        try limits.write(late, for: container.id)
    }
}
