internal import CExecutor
internal import OCI

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
                FENDER_SUPERVISE, [UInt64(bits), UInt64(spec.hostUID)],
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

extension Spec {
    /// The uid of the process's user as the host has it.
    var hostUID: UInt32 { hostUID(of: process?.uid ?? 0) }

    /// What a uid of the container is on the host; one that is not mapped stays itself.
    func hostUID(of uid: UInt32) -> UInt32 {
        guard linux.namespaces.contains(where: { $0.kind == .user }) else { return uid }
        for map in linux.uidMappings where uid >= map.containerID && uid - map.containerID < map.size {
            return map.hostID &+ (uid - map.containerID)
        }
        return uid
    }
}
