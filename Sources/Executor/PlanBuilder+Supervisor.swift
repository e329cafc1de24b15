internal import CExecutor

extension PlanBuilder {
    /// Who stays with the process that a plan makes.
    enum Stay {
        /// A supervisor: bits, socket, exit record, log.
        case supervisor(bits: UInt32, socket: String, exitFile: String, log: String)
        /// An attendant; the cgroup is the process's own, below the container's.
        case attendant(cgroup: String)
    }

    /// The first step of a plan that somebody stays with.
    mutating func addStay() {
        switch setting.stay {
        case .supervisor(let bits, let socket, let exitFile, let log):
            writer.step(
                FENDER_SUPERVISE, [UInt64(bits)],
                [socket, exitFile, log, setting.oomFile, setting.processDirectory] + setting.supervisorCgroups)
        case .attendant(let cgroup):
            writer.step(FENDER_ATTEND, [], [cgroup, setting.processDirectory])
        case nil: break
        }
    }

    mutating func addParentDeath() {
        if setting.stay != nil { writer.step(FENDER_PARENT_DEATH) }
    }
}
