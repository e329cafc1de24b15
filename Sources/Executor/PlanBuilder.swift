internal import CExecutor
internal import Glibc
internal import Linux
internal import OCI

/// Turns a specification into a plan: every decision is made here.
struct PlanBuilder {
    /// What the specification does not say.
    struct Setting {
        var id: String
        /// Absolute, without links.
        var rootfs: String
        /// Files that a joining process writes 0 to (v1).
        var cgroupFiles: [String] = []
        /// The directory that clone3 joins (v2).
        var cgroupDirectory: String?
        /// For a cgroup file system in the container: v1 directories by the names they are mounted at.
        var cgroupMounts: [(name: String, directory: String)] = []
        var cgroupLinks: [(link: String, target: String)] = []
        var startFIFO = ""
        var resultFIFO = ""
        /// The connected console socket.
        var consoleSocket: CInt?
        var preservedDescriptors: UInt64 = 0
        /// Who stays with the process; nil for nobody.
        var stay: Stay?
        /// Files of cgroups that a supervisor joins.
        var supervisorCgroups: [String] = []
        /// What counts kills for want of memory; empty for nothing.
        var oomFile = ""
        /// The cgroup directory of all processes.
        var processDirectory = ""
        var pivots = true
        var newKeyring = true
        /// Directory of compiled filters.
        var seccompCache = ""
        /// What hooks in the container read; they get the pid from the monitor.
        var state: State
        /// Bits this process may give away.
        var grantedCapabilities: UInt64
    }

    let spec: Spec
    let setting: Setting
    var writer = PlanWriter()
    /// Slots of the mounts opened before the clone, by index in `spec.mounts`.
    var trees: [Int: UInt64] = [:]
    /// Slots of the container's own cgroup directories.
    var cgroupTrees: [String: UInt64] = [:]
    var startSlot: UInt64 = 0
    var resultSlot: UInt64 = 0

    init(_ spec: Spec, _ setting: Setting) {
        self.spec = spec
        self.setting = setting
    }

    /// The plan of a container's first process.
    static func create(_ spec: Spec, _ setting: Setting) throws -> Plan {
        guard let process = spec.process else { throw SpecError("process", "is missing") }
        var builder = PlanBuilder(spec, setting)
        builder.addStay()
        try builder.open(process)
        let cgroupNamespace = try builder.addNamespaces()
        builder.joinCgroups(namespace: cgroupNamespace)
        builder.addRoot()
        builder.enterChild()
        try builder.addNames()
        try builder.addFilesystem(process)
        try builder.addProcess(process, root: setting.rootfs) { builder in
            builder.addParentDeath()
            builder.writer.step(FENDER_CREATED)
            builder.writer.step(FENDER_WAIT_START, [builder.startSlot, builder.resultSlot])
        }
        builder.addHooks(spec.hooks.startContainer, .created)
        builder.addExec(process)
        return try builder.writer.finish()
    }

    /// What is opened from the host's side before anything is joined or made.
    private mutating func open(_ process: Process) throws {
        if let score = process.oomScore { addOOMScore(score) }
        openCgroups()
        startSlot = try open(setting.startFIFO, O_RDWR)
        resultSlot = try open(setting.resultFIFO, O_RDWR | O_NONBLOCK)
        for (index, mount) in spec.mounts.enumerated() { try openSource(of: mount, index) }
        try openCgroupTrees()
    }

    mutating func openCgroups() {
        for path in setting.cgroupFiles { writer.step(FENDER_OPEN_CGROUP, [0], [path]) }
        if let directory = setting.cgroupDirectory { writer.step(FENDER_OPEN_CGROUP, [1], [directory]) }
    }

    /// A lower score than ours needs CAP_SYS_RESOURCE; without it the score stays, with a warning.
    mutating func addOOMScore(_ score: Int32) {
        writer.step(FENDER_OOM_SCORE, [UInt64(bitPattern: Int64(score))], flags: PlanWriter.optional)
    }

    private mutating func open(_ path: String, _ flags: CInt) throws -> UInt64 {
        let slot = try writer.slot()
        writer.step(FENDER_OPEN_FILE, [slot, UInt64(UInt32(bitPattern: flags))], [path])
        return slot
    }

    /// The child's first steps, still with all of the monitor's rights.
    ///
    /// A cgroup namespace, in `slot` as itself or as the pidfd of a process in it, is joined only now: it bounds the
    /// cgroups that a process can be born in where systemd mounts them (`nsdelegate`, cgroups(7)).
    mutating func joinCgroups(namespace slot: UInt64?) {
        writer.step(FENDER_JOIN_CGROUPS)
        if let slot { writer.step(FENDER_ENTER, [slot, NamespaceFlag.cgroup], ["of cgroups"]) }
    }

    /// The child on its own, as root of its user namespace if there is one.
    mutating func enterChild(isExec: Bool = false) {
        if isInUserNamespace { writer.step(FENDER_BECOME_ROOT) }
        writer.step(FENDER_NEW_SESSION)
        if setting.newKeyring {
            writer.step(FENDER_KEYRING, [], ["_ses.\(setting.id)"], flags: PlanWriter.optional)
        }
        if isNew(.cgroup) && !isExec { writer.step(FENDER_UNSHARE, [NamespaceFlag.cgroup]) }
    }

    private mutating func addNames() throws {
        if let hostname = spec.hostname, !hostname.isEmpty {
            guard has(.uts) else { throw SpecError("hostname", "needs a uts namespace") }
            writer.step(FENDER_HOSTNAME, [], [hostname])
        }
        if let domainname = spec.domainname, !domainname.isEmpty {
            guard has(.uts) else { throw SpecError("domainname", "needs a uts namespace") }
            writer.step(FENDER_DOMAINNAME, [], [domainname])
        }
        if isNew(.network) { writer.step(FENDER_LOOPBACK_UP, flags: PlanWriter.optional) }
    }

    /// Hooks that run in the container.
    mutating func addHooks(_ hooks: [Hook], _ status: State.Status) {
        guard !hooks.isEmpty else { return }
        var state = setting.state
        (state.status, state.pid) = (status, 0)
        // Quotes in strings are escaped, so this is the member and nothing else.
        let parts = state.json().description.split(separator: "\"pid\":0", maxSplits: 1).map(String.init)
        for hook in hooks {
            let arguments = hook.arguments.isEmpty ? [hook.path] : hook.arguments
            writer.step(
                FENDER_HOOK, [UInt64(hook.timeout ?? 0), UInt64(arguments.count)],
                [hook.path, parts[0] + "\"pid\":", parts[1]] + arguments + hook.environment)
        }
    }

    mutating func addExec(_ process: Process) {
        writer.step(
            FENDER_EXEC, [UInt64(process.arguments.count)], process.arguments + process.environment)
    }
}
