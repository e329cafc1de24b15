internal import CLinux
internal import Glibc
internal import Linux
internal import OCI

/// A process that stands in a scope until the container's own is there: systemd makes none that is empty, and removes
/// one that becomes so.
final class Placeholder {
    let pid: pid_t
    /// The process ends with this, also by our death.
    private var lifeline: Descriptor?

    init(_ program: MonitorProgram) throws {
        var ends: [CInt] = [-1, -1]
        try system("pipe") { fender_pipe(&ends) }
        lifeline = Descriptor(owning: ends[1])
        let theirs = Descriptor(owning: ends[0])
        pid = try Spawn.run(
            "/proc/self/fd/\(try program.sealed())", ["fender-monitor", String(theirs.raw)], inherited: [theirs.raw])
    }

    func end() {
        guard lifeline.take() != nil else { return }
        var status: CInt = 0
        while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
    }

    deinit { end() }
}

extension Resources {
    /// The same with room for one process more.
    var withRoom: Resources {
        var resources = self
        if let limit = pids, limit > 0 { resources.pids = limit + 1 }
        return resources
    }
}

extension Container {
    /// Makes the unit, with a process of ours in it.
    func hold(_ unit: SystemdUnit, _ resources: Resources, _ cgroups: any CgroupManager) throws -> Placeholder {
        let placeholder = try Placeholder(store.program)
        try unit.start(resources, isUnified: cgroups is UnifiedCgroups, holding: placeholder.pid)
        return placeholder
    }
}
