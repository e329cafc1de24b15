internal import Linux
internal import OCI

/// How this machine lays out its cgroups, and so who manages a container's.
enum CgroupPlace {
    /// The cgroups for a new container; those of a unit of systemd's are in the v2 hierarchy, too, wherever that is.
    static func make(path: String?, id: String, unit: Bool = false) throws -> any CgroupManager {
        let mounts = try MountTable.read(naming: "cgroup")
        let own = try Files.text("/proc/self/cgroup")
        let wanted = path.flatMap { $0.isEmpty ? nil : $0 } ?? id
        guard wanted.split(separator: "/").contains(where: { $0 != "." && $0 != ".." }) else {
            throw SpecError("linux.cgroupsPath", "must not be the root")
        }
        if mounts.contains(where: { $0.type == "cgroup" }) {
            let beside = unit ? mounts.first { $0.type == "cgroup2" }?.point : nil
            return LegacyCgroups(mounts: mounts, path: wanted, own: own, unified: beside)
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
