internal import CExecutor
internal import OCI

extension ContainerStore {
    /// Makes a container under a supervisor, which outlives us; its process then waits for ``Container/start()``.
    ///
    /// A failure leaves nothing. Blocks the thread. Later, also in another process, ``container(_:)`` finds it.
    public func supervise(_ id: String, _ options: SupervisorOptions) throws -> Container {
        let create = options.create
        guard create.consoleSocket == nil, create.preservedDescriptors == 0 else {
            throw ExecutorError("a supervised container takes no console socket and no descriptors")
        }
        return try make(id, create, options)
    }
}

extension PlanBuilder.Setting {
    /// What the supervisor of a container needs to know.
    mutating func take(_ options: SupervisorOptions, _ container: Container, terminal: Bool) throws {
        var bits: UInt32 = 0
        if options.stdin { bits |= FENDER_SUPERVISOR_INPUT.rawValue }
        if options.stdinOnce { bits |= FENDER_SUPERVISOR_INPUT_ONCE.rawValue }
        if terminal { bits |= FENDER_SUPERVISOR_TERMINAL.rawValue }
        stay = .supervisor(
            bits: bits, socket: container.socketPath, exitFile: container.exitFile, log: options.logPath ?? "")
        consoleSocket = CInt(FENDER_NO_CONSOLE)
        supervisorCgroups = try options.cgroup.map { try CgroupPlace.shared($0) } ?? []
    }
}
