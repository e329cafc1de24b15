internal import CExecutor
internal import Glibc
internal import Linux
internal import OCI

extension ContainerStore {
    /// What `create` may be told beside the bundle.
    public struct CreateOptions: Sendable {
        /// The directory of config.json.
        public var bundle = "."
        /// Where the pid is written, by rename.
        public var pidFile: String?
        /// The Unix socket that takes the master of the terminal.
        public var consoleSocket: String?
        /// How many descriptors after 2 the process inherits.
        public var preservedDescriptors = 0
        /// False moves the mount and calls chroot(2): for a root on a ramfs.
        public var pivots = true
        /// Whether systemd manages the cgroups, and `linux.cgroupsPath` is "slice:prefix:name". Nil leaves it to the form
        /// of that path.
        public var systemd: Bool?
        /// Another runtime that makes the container; only for one with a supervisor.
        public var runtime: RuntimeProgram?
        /// False leaves the process our session keyring.
        public var newKeyring = true
        /// Called with each warning.
        public var warn: @Sendable (String) -> Void = { _ in }
        /// Called before each step that leaves something behind, with a word for it.
        public var step: @Sendable (String) -> Void = { _ in }

        /// With nothing set.
        public init() {}
    }

    /// Makes a container, whose process then waits for ``Container/start()``. A failure leaves nothing.
    @discardableResult
    public func create(_ id: String, _ options: CreateOptions) throws -> Container {
        try make(id, options, nil)
    }

    func make(_ id: String, _ options: CreateOptions, _ supervisor: SupervisorOptions?) throws -> Container {
        try Self.check(id)
        let bundle = try Self.resolve(options.bundle)
        let config = try Files.read("\(bundle)/config.json")
        let spec = try Spec(parsing: config)
        let rootfs = try Self.resolve(spec.root.path.hasPrefix("/") ? spec.root.path : "\(bundle)/\(spec.root.path)")
        let unit = try SystemdUnit.wanted(spec.linux.cgroupsPath ?? "", id: id, systemd: options.systemd)
        let cgroups = try CgroupPlace.make(path: unit?.cgroup ?? spec.linux.cgroupsPath, id: id, unit: unit != nil)
        guard try cgroups.processes(everywhere: true).isEmpty else {
            throw ExecutorError("container's cgroup is not empty: \(cgroups.directories.first ?? "")")
        }
        var record = ContainerRecord(spec, id: id, bundle: bundle, rootfs: rootfs, cgroups: cgroups.places)
        record.exitFile = supervisor?.exitFile
        record.unit = unit
        record.runtime = options.runtime
        var container = Container(store: self, directory: "\(root)/\(id)", record: record)
        options.step("directory")
        try claim(container.directory, id)
        do {
            options.step("state")
            try container.prepare(config)
            try container.make(spec, cgroups, options, supervisor)
            return container
        } catch {
            container.undo(cgroups)
            throw error
        }
    }

    private func claim(_ directory: String, _ id: String) throws {
        try Files.makeDirectories(root, mode: 0o711)
        if mkdir(directory, 0o711) != 0 {
            if errno == EEXIST { throw ExecutorError("container with id exists already: \(id)") }
            throw SystemError(call: "mkdir", object: directory, code: errno)
        }
    }

    static func resolve(_ path: String) throws -> String {
        guard let resolved = realpath(path, nil) else {
            throw SystemError(call: "resolve", object: path, code: errno)
        }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}

extension Container {
    /// What the state directory holds from the start, so that whatever dies later, `delete --force` knows what to undo.
    fileprivate func prepare(_ config: [UInt8]) throws {
        try VolatileFile.make("\(directory)/creating", with: [])
        try save()
        try VolatileFile.make("\(directory)/config.json", with: config)
        for path in record.runtime == nil ? [startFIFO, resultFIFO] : [] {
            try system("mkfifo", path) { mkfifo(path, 0o600) }
        }
    }

    fileprivate mutating func make(
        _ spec: Spec, _ cgroups: any CgroupManager, _ options: ContainerStore.CreateOptions,
        _ supervisor: SupervisorOptions?
    ) throws {
        let console = try options.consoleSocket.map { try UnixSocket.connect($0) }
        var setting = try setting(cgroups, options, console: console)
        if let supervisor { try setting.take(supervisor, self, terminal: spec.process?.terminal == true) }
        if let runtime = record.runtime { return try make(by: runtime, spec, setting, options) }
        let plan = try PlanBuilder.create(spec, setting)
        plan.warnings.forEach(options.warn)
        options.step("unit")
        let placeholder = try record.unit.map { try hold($0, spec.linux.resources, cgroups) }
        options.step("cgroups")
        try cgroups.create(placeholder == nil ? spec.linux.resources : spec.linux.resources.withRoom)
        if let owner = spec.cgroupOwner, let unified = cgroups as? UnifiedCgroups { try unified.delegate(to: owner) }
        options.step("monitor")
        let monitor = try MonitorProcess(store.program, plan, inherited: console.map { [$0] } ?? [])
        if let console { close(console) }
        try follow(monitor, spec, options) {
            guard let placeholder else { return }
            placeholder.end()
            var limits = Resources()
            limits.pids = spec.linux.resources.pids
            try cgroups.update(limits)
        }
    }

    private mutating func make(
        by runtime: RuntimeProgram, _ spec: Spec, _ setting: PlanBuilder.Setting,
        _ options: ContainerStore.CreateOptions
    ) throws {
        guard setting.stay != nil else { throw ExecutorError("another runtime's container needs a supervisor") }
        guard runtime.isInstalled else { throw ExecutorError("\(runtime.path): no such program") }
        try runtime.prepare(log: runtimeLog("create"))
        let console = spec.process?.terminal == true ? consolePath() : ""
        defer { if !console.isEmpty { try? Files.remove(console) } }
        let plan = try createPlan(by: runtime, setting, spec, console: console)
        options.step("monitor")
        let monitor = try MonitorProcess(store.program, plan, inherited: [])
        do {
            try follow(monitor, spec, options) {}
        } catch {
            throw runtime.failure("create", log: runtimeLog("create"), otherwise: "\(error)")
        }
    }

    private func setting(
        _ cgroups: any CgroupManager, _ options: ContainerStore.CreateOptions, console: CInt?
    ) throws -> PlanBuilder.Setting {
        var setting = PlanBuilder.Setting(
            id: id, rootfs: record.rootfs, state: state(.creating), grantedCapabilities: Capability.granted())
        setting.take(cgroups)
        setting.startFIFO = startFIFO
        setting.resultFIFO = resultFIFO
        setting.consoleSocket = console
        setting.preservedDescriptors = UInt64(options.preservedDescriptors)
        setting.pivots = options.pivots
        setting.newKeyring = options.newKeyring
        setting.seccompCache = "\(store.root)/.seccomp"
        return setting
    }

    /// Goes along with the monitor until the container is made; calls `settle` when its process is in the cgroups.
    private mutating func follow(
        _ monitor: MonitorProcess, _ spec: Spec, _ options: ContainerStore.CreateOptions, _ settle: () throws -> Void
    ) throws {
        while let report = try monitor.next() {
            options.step("report")
            switch report {
            case .failure(let text): throw ExecutorError(text)
            case .warning(let text): options.warn(text)
            case .supervisor(let pid, let control):
                close(control)
                record.supervisor = ProcessIdentity.find(pid)
                try save()
            case .terminal(let master): close(master)
            case .pid(let pid):
                record.process = ProcessIdentity.find(pid)
                try save()
                monitor.reap()
            case .sync where record.runtime != nil: try monitor.go()
            case .sync:
                try HookRunner.run(spec.hooks.prestart + spec.hooks.createRuntime, state(.creating))
                try monitor.go()
            case .listener(let file):
                try SeccompListener.send(file, spec, state(.creating))
            case .created:
                try settle()
                return try finish(monitor, options)
            }
        }
        throw ExecutorError("the container's process ended before it was ready")
    }

    private func finish(_ monitor: MonitorProcess, _ options: ContainerStore.CreateOptions) throws {
        if let path = options.pidFile {
            try VolatileFile.replace(path, with: Array(String(record.process?.pid ?? 0).utf8), mode: 0o644)
        }
        try Files.remove("\(directory)/creating")
        options.step("go")
        try monitor.go()
        options.step("made")
    }

    /// Takes back what was made; goes as far as it can.
    fileprivate func undo(_ cgroups: any CgroupManager) {
        endProcesses(cgroups, everywhere: true)
        endSupervisor()
        try? record.unit?.stop()
        if let runtime = record.runtime { try? forget(by: runtime) }
        try? cgroups.remove()
        try? removeDirectory()
    }

    /// Kills all that is in the container and waits for the end.
    func endProcesses(_ cgroups: any CgroupManager, everywhere: Bool) {
        if let process = record.process {
            _ = try? process.send(SIGKILL)
            if cgroups.isFrozen { try? cgroups.freeze(false) }
            _ = process.waitForEnd(milliseconds: 10_000)
        }
        for _ in 0..<100 {
            let rest = ((try? cgroups.processes(everywhere: everywhere)) ?? []).compactMap(ProcessIdentity.find)
            if rest.isEmpty { return }
            for process in rest { _ = try? process.send(SIGKILL) }
            for process in rest { _ = process.waitForEnd(milliseconds: 1000) }
        }
    }

    func removeDirectory() throws { try ContainerStore.remove(directory: directory) }
}

extension PlanBuilder.Setting {
    /// How a process gets into the cgroups, and how they are seen in the container.
    mutating func take(_ cgroups: any CgroupManager) {
        if let legacy = cgroups as? LegacyCgroups {
            cgroupFiles = legacy.legacyDirectories.map { "\($0)/tasks" }
            cgroupDirectory = legacy.unifiedDirectory
            cgroupMounts = legacy.mounts
            cgroupLinks = legacy.links
        } else {
            cgroupDirectory = cgroups.directories.first
        }
        oomFile = cgroups.oomFile ?? ""
        processDirectory = cgroups.processDirectory ?? ""
    }
}
