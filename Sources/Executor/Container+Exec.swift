internal import Glibc
internal import Linux
public import OCI

extension Container {
    /// What `exec` may be told beside the process.
    public struct ExecOptions: Sendable {
        /// Where the pid is written, by rename.
        public var pidFile: String?
        /// The Unix socket that takes the master of the terminal.
        public var consoleSocket: String?
        /// How many descriptors after 2 the process inherits.
        public var preservedDescriptors = 0
        /// Called with each warning.
        public var warn: @Sendable (String) -> Void = { _ in }

        /// With nothing set.
        public init() {}
    }

    /// The process of the container's own specification, to change into one for ``exec(_:_:)``.
    public func process() throws -> Process {
        guard let process = try spec().process else { throw SpecError("process", "is missing") }
        return process
    }

    /// Runs one more process and returns its pid once its program runs. It is a child of the nearest subreaper.
    public func exec(_ process: Process, _ options: ExecOptions) throws -> Int32 {
        try exec(options) { _ in process }
    }

    /// The same with a process that `make` makes of the container's own.
    public func exec(_ options: ExecOptions, _ make: (Process?) throws -> Process) throws -> Int32 {
        let spec = try spec()
        let process = try make(spec.process)
        var setting = try execSetting()
        setting.preservedDescriptors = UInt64(options.preservedDescriptors)
        let console = try options.consoleSocket.map { try UnixSocket.connect($0) }
        defer { if let console { close(console) } }
        setting.consoleSocket = console
        let plan = try execPlan(process, in: spec, setting, options.warn)
        let monitor = try MonitorProcess(store.program, plan, inherited: console.map { [$0] } ?? [])
        return try follow(monitor, pidFile: options.pidFile, options.warn).pid
    }

    /// Throws when no process can join.
    func execSetting() throws -> PlanBuilder.Setting {
        switch status() {
        case .paused: throw ExecutorError("cannot exec in a paused container")
        case .stopped: throw ExecutorError("container not running")
        case .creating where record.process == nil: throw ExecutorError("container not running")
        default: break
        }
        var setting = PlanBuilder.Setting(
            id: id, rootfs: record.rootfs, state: state(.running), grantedCapabilities: Capability.granted())
        let cgroups = cgroups
        setting.take(cgroups)
        if let unified = cgroups as? UnifiedCgroups { setting.cgroupDirectory = unified.directory(joining: pid) }
        setting.seccompCache = "\(store.root)/.seccomp"
        return setting
    }

    func execPlan(
        _ process: Process, in spec: Spec, _ setting: PlanBuilder.Setting, _ warn: (String) -> Void
    ) throws -> Plan {
        guard let first = record.process else { throw ExecutorError("container not running") }
        let plan = try PlanBuilder.exec(
            process, in: spec, pid: first.pid, startTime: first.startTime, setting)
        plan.warnings.forEach(warn)
        return plan
    }

    /// A process whose program runs, and what came with it.
    struct Started: ~Copyable {
        var pid: Int32 = 0
        /// The terminal's master.
        var terminal: Descriptor?
        /// The attendant's socket.
        var control: Descriptor?
    }

    /// Goes along with the monitor until the program runs.
    func follow(
        _ monitor: MonitorProcess, pidFile: String?, _ warn: (String) -> Void, _ step: (String) -> Void = { _ in }
    ) throws -> Started {
        var started = Started()
        var isCreated = false
        while let report = try monitor.next() {
            step("report")
            switch report {
            case .failure(let text): throw ExecutorError(text)
            case .warning(let text): warn(text)
            case .pid(let number):
                started.pid = number
                monitor.reap()
            case .sync: try monitor.go()
            case .listener(let file): try SeccompListener.send(file, try spec(), state(.running))
            case .terminal(let master): started.terminal = Descriptor(owning: master)
            case .supervisor(_, let control): started.control = Descriptor(owning: control)
            case .created:
                if let pidFile {
                    try VolatileFile.replace(pidFile, with: Array(String(started.pid).utf8), mode: 0o644)
                }
                isCreated = true
                try monitor.go()
            }
        }
        // The socket closes with the exec, or with the death of who would have done it.
        guard isCreated else { throw ExecutorError("the process ended before it was ready") }
        return started
    }
}
