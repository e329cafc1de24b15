internal import CExecutor
internal import Linux
internal import OCI

extension PlanBuilder {
    /// The plan of one more process in a container whose first one is `pid`.
    static func exec(
        _ process: Process, in spec: Spec, pid: Int32, startTime: UInt64, _ setting: Setting
    ) throws -> Plan {
        var builder = PlanBuilder(spec, setting)
        builder.addStay()
        if let score = process.oomScore { builder.addOOMScore(score) }
        let (first, last) = (try builder.mask(process.initialAffinity), try builder.mask(process.finalAffinity))
        if let first { builder.writer.step(FENDER_FIRST_AFFINITY, blob: first) }
        builder.openCgroups()
        let slot = try builder.writer.slot()
        builder.writer.step(FENDER_OPEN_PIDFD, [slot, UInt64(pid), startTime])
        let foreign = try foreignNamespaces(of: pid)
        let flags = foreign & ~NamespaceFlag.cgroup
        if flags != 0 { builder.writer.step(FENDER_ENTER, [slot, flags], ["of the container"]) }
        builder.writer.step(FENDER_CLONE, [0], ["", ""])
        builder.joinCgroups(namespace: foreign == flags ? nil : slot)
        builder.enterChild(isExec: true)
        if let last { builder.writer.step(FENDER_AFFINITY, blob: last) }
        builder.writer.step(FENDER_ROOT)
        if process.appArmorProfile?.isEmpty == false || process.selinuxLabel?.isEmpty == false {
            builder.writer.step(FENDER_PROC, flags: PlanWriter.optional)
        }
        if process.terminal { try builder.addTerminal(process, bindConsole: false) }
        try builder.addProcess(process, root: "/") {
            $0.addParentDeath()
            $0.writer.step(FENDER_CREATED)
        }
        builder.addExec(process)
        return try builder.writer.finish()
    }

    /// What sched_setaffinity(2) takes; nil for none.
    private func mask(_ list: String?) throws -> [UInt8]? {
        guard let list, !list.isEmpty else { return nil }
        guard let mask = CPUList.mask(list) else {
            throw SpecError("process.execCPUAffinity", "\(list) is no list of CPUs")
        }
        return mask
    }

    /// The namespaces of a process to join. To join one's own is an error for user and time namespaces, and for cgroup
    /// namespaces in a user namespace; it is nothing for others.
    private static func foreignNamespaces(of pid: Int32) throws -> UInt64 {
        let kinds: [LinuxSpec.Namespace.Kind] = [.ipc, .mount, .network, .pid, .uts]
        var flags = kinds.reduce(0) { $0 | NamespaceFlag.of($1) }
        for (kind, theirs, ours) in [
            (LinuxSpec.Namespace.Kind.time, "time", "time_for_children"), (.user, "user", "user"),
            (.cgroup, "cgroup", "cgroup"),
        ] {
            guard let own = try? Files.linkTarget("/proc/self/ns/\(ours)") else { continue }
            guard let other = try? Files.linkTarget("/proc/\(pid)/ns/\(theirs)") else {
                throw ExecutorError("container not running")
            }
            if own != other { flags |= NamespaceFlag.of(kind) }
        }
        return flags
    }
}
