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
        guard let first = record.process, first.isAlive else { throw ExecutorError("container not running") }
        if status() == .paused { throw ExecutorError("cannot exec in a paused container") }
        var setting = PlanBuilder.Setting(
            id: id, rootfs: record.rootfs, state: state(.running), grantedCapabilities: try Capability.granted())
        setting.take(cgroups)
        setting.seccompCache = "\(store.root)/.seccomp"
        setting.preservedDescriptors = UInt64(options.preservedDescriptors)
        let console = try options.consoleSocket.map { try UnixSocket.connect($0) }
        setting.consoleSocket = console
        let plan = try PlanBuilder.exec(
            process, in: try spec(), pid: first.pid, startTime: first.startTime, setting)
        plan.warnings.forEach(options.warn)
        let monitor = try MonitorProcess(program: store.monitor, plan, inherited: console.map { [$0] } ?? [])
        if let console { close(console) }
        return try follow(monitor, options)
    }

    private func follow(_ monitor: MonitorProcess, _ options: ExecOptions) throws -> Int32 {
        var pid: Int32 = 0
        var isCreated = false
        while let report = try monitor.next() {
            switch report {
            case .failure(let text): throw ExecutorError(text)
            case .warning(let text): options.warn(text)
            case .pid(let number):
                pid = number
                monitor.reap()
            case .sync: try monitor.go()
            case .listener(let file): try SeccompListener.send(file, try spec(), state(.running))
            case .created:
                if let path = options.pidFile {
                    try VolatileFile.replace(path, with: Array(String(pid).utf8), mode: 0o644)
                }
                isCreated = true
                try monitor.go()
            }
        }
        // The socket closes with the exec, or with the death of who would have done it.
        guard isCreated else { throw ExecutorError("the process ended before it was ready") }
        return pid
    }
}
