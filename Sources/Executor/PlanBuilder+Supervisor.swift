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
    /// Who manages the container's cgroups from within, as the host has it; nil when only the host does.
    var cgroupOwner: UInt32? {
        let new = linux.namespaces.filter { $0.path == nil }.map(\.kind)
        let isWritable = mounts.contains { mount in
            mount.type == "cgroup" && MountOptions(mount.options).set & MountOptions.readOnly == 0
        }
        return new.contains(.cgroup) && has(.user) && isWritable ? hostUID(of: 0) : nil
    }

    private func has(_ kind: LinuxSpec.Namespace.Kind) -> Bool { linux.namespaces.contains { $0.kind == kind } }

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
