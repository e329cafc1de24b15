internal import CExecutor
internal import OCI

extension PlanBuilder {
    /// From a root that stands to the moment before exec; `wait` comes between what may fail and the exec.
    mutating func addProcess(_ process: Process, root: String, wait: (inout Self) -> Void) throws {
        for limit in process.limits { writer.step(FENDER_RLIMIT, [limit.resource, limit.soft, limit.hard]) }
        addScheduling(process)
        if let is32 = spec.linux.personality32 { writer.step(FENDER_PERSONALITY, [is32 ? 8 : 0]) }
        if process.uid != 0 { writer.step(FENDER_STDIO_OWNER, [UInt64(process.uid)]) }
        writer.step(FENDER_DIRECTORY_OF_WORK, [], [process.directory])
        addLabels(process)
        let filter = try seccompFilter()
        // Without no_new_privs loading needs CAP_SYS_ADMIN, which is gone later.
        if let filter, !process.noNewPrivileges { add(filter) }
        try addIdentity(process)
        if process.noNewPrivileges { writer.step(FENDER_NO_NEW_PRIVILEGES) }
        // A listener's descriptor must reach the agent while we still have somebody to give it to.
        let early = process.noNewPrivileges && filter?.notifies == true
        if let filter, early { add(filter) }
        writer.step(FENDER_PRESERVE, [setting.preservedDescriptors])
        writer.step(FENDER_FIND, [], [process.arguments[0], Self.searchPath(process.environment)])
        wait(&self)
        if let filter, process.noNewPrivileges, !early { add(filter) }
    }

    static func searchPath(_ environment: [String]) -> String {
        let entry = environment.last { $0.hasPrefix("PATH=") }
        return entry.map { String($0.dropFirst(5)) } ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    }

    private mutating func addScheduling(_ process: Process) {
        if let scheduler = process.scheduler {
            let times = [scheduler.runtime, scheduler.deadline, scheduler.period]
            writer.step(
                FENDER_SCHEDULER,
                [
                    scheduler.policy, scheduler.flags, UInt64(bitPattern: Int64(scheduler.nice)),
                    UInt64(bitPattern: Int64(scheduler.priority)),
                ], blob: times.flatMap { time in withUnsafeBytes(of: time) { [UInt8]($0) } })
        }
        if let ioPriority = process.ioPriority {
            writer.step(FENDER_IO_PRIORITY, [ioPriority.kind << 13 | ioPriority.priority])
        }
    }

    private mutating func addLabels(_ process: Process) {
        if let profile = process.appArmorProfile, !profile.isEmpty, profile != "unconfined" {
            writer.step(FENDER_LABEL, [1], [profile])
        }
        if let label = process.selinuxLabel, !label.isEmpty { writer.step(FENDER_LABEL, [2], [label]) }
    }

    private func seccompFilter() throws -> SeccompCompiler.Filter? {
        guard let seccomp = spec.linux.seccomp else { return nil }
        return try SeccompCache(directory: setting.seccompCache).filter(seccomp)
    }

    private mutating func add(_ filter: SeccompCompiler.Filter) {
        writer.step(FENDER_SECCOMP, [filter.flags, filter.notifies ? 1 : 0], blob: filter.program)
    }

    /// Capabilities and ids. What nobody can grant here is left out, with one warning (config.md, "capabilities").
    private mutating func addIdentity(_ process: Process) throws {
        let sets = process.capabilities ?? Process.CapabilitySets([])
        var missing: [String] = []
        func bits(_ names: [String]) -> UInt64 {
            let result = Capability.bits(names, granted: setting.grantedCapabilities)
            for name in result.missing where !missing.contains(name) { missing.append(name) }
            return result.bits
        }
        let (bounding, effective, permitted) = (bits(sets.bounding), bits(sets.effective), bits(sets.permitted))
        let (inheritable, ambient) = (bits(sets.inheritable), bits(sets.ambient))
        if !missing.isEmpty {
            writer.warnings.append("capabilities that cannot be granted: \(missing.joined(separator: ", "))")
        }
        writer.step(FENDER_BOUNDING, [bounding])
        let groups = process.additionalGids.flatMap { gid in withUnsafeBytes(of: gid) { [UInt8]($0) } }
        writer.step(
            FENDER_USER, [UInt64(process.uid), UInt64(process.gid), UInt64(process.umask ?? 0o022), 0], blob: groups)
        writer.step(FENDER_CAPABILITIES, [effective, permitted, inheritable, ambient])
    }
}
