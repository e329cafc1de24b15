internal import Linux
internal import OCI

/// How this machine lays out its cgroups, and so who manages a container's.
enum CgroupPlace {
    /// The cgroups for a new container.
    static func make(path: String?, id: String) throws -> any CgroupManager {
        let mounts = try MountTable.read()
        let own = try Files.text("/proc/self/cgroup")
        let wanted = path.flatMap { $0.isEmpty ? nil : $0 } ?? id
        guard !wanted.contains(":") else {
            throw SpecError("linux.cgroupsPath", "\(wanted) is one for systemd, which is not supported")
        }
        guard wanted.split(separator: "/").contains(where: { $0 != "." && $0 != ".." }) else {
            throw SpecError("linux.cgroupsPath", "must not be the root")
        }
        if mounts.contains(where: { $0.type == "cgroup" }) {
            return LegacyCgroups(mounts: mounts, path: wanted, own: own)
        }
        guard let unified = mounts.first(where: { $0.type == "cgroup2" }) else {
            throw ExecutorError("no cgroup file system is mounted")
        }
        return UnifiedCgroups(point: unified.point, path: wanted, own: own)
    }

    /// The cgroups of a container made earlier.
    static func find(_ places: [CgroupRecord]) -> any CgroupManager {
        if let unified = places.first, unified.controllers.isEmpty {
            return UnifiedCgroups(point: "", directory: unified.directory)
        }
        return LegacyCgroups(places)
    }
}
