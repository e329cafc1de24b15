internal import CExecutor
internal import CLinux
internal import Glibc
internal import Linux
public import OCI

extension Container {
    /// Which streams of a process its caller has.
    public struct SessionOptions: Sendable {
        /// It has an input; otherwise it reads the null device. With a terminal all three are the terminal.
        public var stdin = false
        /// Its output is taken.
        public var stdout = true
        /// Its errors are taken.
        public var stderr = true
        /// Called with each warning.
        public var warn: @Sendable (String) -> Void = { _ in }
        /// Called before each step that leaves something behind, with a word for it.
        public var step: @Sendable (String) -> Void = { _ in }

        /// Output and errors.
        public init() {}
    }

    /// Runs one more process, whose streams and end are the caller's; returns once its program runs. Blocks the thread.
    ///
    /// With the session end the process and all that it started, unless it has ended before: what it left then belongs
    /// to the container.
    public func exec(_ process: Process, _ options: SessionOptions) throws -> ExecSession {
        var setting = try execSetting()
        let cgroup = "\(setting.processDirectory)/fender-exec-\(String(UInt64.random(in: .min ... .max), radix: 16))"
        setting.enter(cgroup)
        setting.consoleSocket = CInt(FENDER_NO_CONSOLE)
        let spec = try spec()
        if let runtime = record.runtime { return try exec(by: runtime, process, in: spec, setting, options) }
        let plan = try execPlan(process, in: spec, setting, options.warn)
        var pipes = try SessionPipes(
            options, terminal: process.terminal, owner: spec.hostUID(of: process.uid))
        options.step("monitor")
        let monitor = try MonitorProcess(store.program, plan, inherited: [], stdio: pipes.theirs)
        pipes.closeTheirs()
        let started = try follow(monitor, pidFile: nil, options.warn, options.step)
        options.step("made")
        return try ExecSession(started, pipes)
    }
}

extension Container {
    /// The same by another runtime, for which the process is a file of its own.
    private func exec(
        by runtime: RuntimeProgram, _ process: Process, in spec: Spec, _ setting: PlanBuilder.Setting,
        _ options: SessionOptions
    ) throws -> ExecSession {
        var setting = setting
        let name = "exec-\(String(UInt64.random(in: .min ... .max), radix: 16))"
        let console = process.terminal ? consolePath() : ""
        defer {
            for file in ["json", "pid", "log"] { try? Files.remove("\(directory)/\(name).\(file)") }
            if !console.isEmpty { try? Files.remove(console) }
        }
        // A runtime that keeps its processes elsewhere has no such cgroup.
        let cgroup = Files.exists(setting.processDirectory) ? "\(setting.processDirectory)/fender-\(name)" : ""
        setting.stay = .attendant(cgroup: cgroup)
        try VolatileFile.make("\(directory)/\(name).json", with: document(of: process).bytes)
        let plan = try execPlan(
            by: runtime, process, in: spec, setting, name: name, console: console, cgroup: cgroup)
        var pipes = try SessionPipes(options, terminal: process.terminal, owner: spec.hostUID(of: process.uid))
        options.step("monitor")
        let monitor = try MonitorProcess(store.program, plan, inherited: [], stdio: pipes.theirs)
        pipes.closeTheirs()
        let started: Started
        do {
            started = try follow(monitor, pidFile: nil, options.warn, options.step)
        } catch {
            throw runtime.failure("exec", log: "\(directory)/\(name).log", otherwise: "\(error)")
        }
        options.step("made")
        return try ExecSession(started, pipes)
    }
}

extension PlanBuilder.Setting {
    /// Makes the process join a cgroup of its own, below the container's.
    fileprivate mutating func enter(_ cgroup: String) {
        stay = .attendant(cgroup: cgroup)
        // On v1 the one in v2, if any, is not where processes are counted and killed.
        if cgroupFiles.isEmpty { cgroupDirectory = cgroup }
        cgroupFiles = cgroupFiles.map { $0 == "\(processDirectory)/tasks" ? "\(cgroup)/tasks" : $0 }
    }
}

/// The ends of a process's streams; ours do not block.
struct SessionPipes: ~Copyable {
    var stdin: Descriptor?
    var stdout: Descriptor?
    var stderr: Descriptor?
    /// For 0 to 2 of the process.
    private(set) var theirs: [CInt] = []
    /// The user of the process, as the host has it.
    private let owner: UInt32

    init(_ options: Container.SessionOptions, terminal: Bool, owner: UInt32) throws {
        self.owner = owner
        do {
            stdin = try end(options.stdin && !terminal, writes: true)
            stdout = try end(options.stdout && !terminal, writes: false)
            stderr = try end(options.stderr && !terminal, writes: false)
        } catch {
            closeTheirs()
            throw error
        }
    }

    deinit { theirs.forEach { close($0) } }

    mutating func closeTheirs() {
        theirs.forEach { close($0) }
        theirs = []
    }

    /// Makes a pipe, or opens the null device for the process.
    private mutating func end(_ isWanted: Bool, writes: Bool) throws -> Descriptor? {
        guard isWanted else {
            theirs.append(try Descriptor.open("/dev/null", writes ? O_RDONLY : O_WRONLY).release())
            return nil
        }
        var ends: [CInt] = [-1, -1]
        try system("pipe") { fender_pipe(&ends) }
        theirs.append(ends[writes ? 0 : 1])
        let ours = Descriptor(owning: ends[writes ? 1 : 0])
        // So that /dev/stdout can be opened, which root of a user namespace could not see to itself.
        try system("fchown", "pipe") { fchown(ends[0], owner, .max) }
        return try ours.nonblocking()
    }
}

extension Descriptor {
    /// The same, which fails with EAGAIN instead of waiting.
    consuming func nonblocking() throws -> Descriptor {
        let number = raw
        let flags = try system("fcntl") { fcntl(number, F_GETFL) }
        try system("fcntl") { fcntl(number, F_SETFL, flags | O_NONBLOCK) }
        return self
    }
}
