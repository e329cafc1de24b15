internal import Linux

/// Where the cgroup file systems are mounted, and so how a process's cgroups are found.
public struct CgroupHierarchies: Sendable, Equatable {
    /// How the machine lays its controllers out.
    public enum Layout: Sendable, Equatable {
        /// v1 only.
        case legacy
        /// v1 with a v2 hierarchy beside it.
        case hybrid
        /// v2 only.
        case unified
    }

    /// One mounted hierarchy.
    struct Mount: Sendable, Equatable {
        /// v1 controllers and `name=…`; empty for v2.
        var controllers: Set<String>
        /// The part of the hierarchy that is mounted, "/" for all of it.
        var root: String
        /// The directory it is mounted at.
        var point: String

        var isUnified: Bool { controllers.isEmpty }
    }

    let mounts: [Mount]

    /// How the machine lays its controllers out.
    public var layout: Layout {
        let hasUnified = mounts.contains { $0.isUnified }
        let hasLegacy = mounts.contains { !$0.isUnified }
        return hasUnified ? (hasLegacy ? .hybrid : .unified) : .legacy
    }

    /// The mounts the calling thread sees.
    public static func read() throws -> CgroupHierarchies {
        CgroupHierarchies(mounts: try MountTable.read())
    }

    /// The mounts a mountinfo text tells of (proc_pid_mountinfo(5)).
    public init(mountinfo: String) {
        self.init(mounts: MountTable.parse(mountinfo))
    }

    private init(mounts: [MountEntry]) {
        self.mounts = mounts.compactMap(Mount.init)
    }

    /// Whether containers can be limited by a controller: beside v1 hierarchies that of v2 is for nothing but naming.
    public func has(_ controller: String) -> Bool {
        mounts.contains { mount in
            if !mount.isUnified { return mount.controllers.contains(controller) }
            guard layout == .unified else { return false }
            let listed = (try? Files.text("\(mount.point)/cgroup.controllers")) ?? ""
            return listed.split(separator: " ").contains { $0 == controller }
        }
    }

    /// The cgroups of a process. Fails with ENOENT or ESRCH when it is gone.
    public func cgroup(of pid: Int32) throws -> Cgroup {
        try cgroup(text: Files.text("/proc/\(pid)/cgroup"))
    }

    /// The cgroups a /proc/<pid>/cgroup text tells of (cgroups(7)); hierarchies that are not mounted here are
    /// left out.
    public func cgroup(text: String) throws -> Cgroup {
        var cgroup = Cgroup()
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { throw CgroupError("read process's cgroups: malformed line \(line)") }
            if fields[0] == "0" && fields[1].isEmpty {
                cgroup.unified = try mounts.first { $0.isUnified }.flatMap { try $0.place(of: fields[2]) }
                continue
            }
            for controller in fields[1].split(separator: ",").map(String.init) {
                guard let mount = mounts.first(where: { $0.controllers.contains(controller) }) else { continue }
                cgroup.legacy[controller] = try mount.place(of: fields[2])
            }
        }
        return cgroup
    }
}

extension CgroupHierarchies.Mount {
    /// Nil for another kind of file system.
    fileprivate init?(_ entry: MountEntry) {
        guard entry.type == "cgroup" || entry.type == "cgroup2" else { return nil }
        let flags: Set = ["rw", "ro", "xattr", "clone_children", "noprefix", "cpuset_v2_mode"]
        controllers = entry.type == "cgroup2" ? [] : Set(entry.superOptions).subtracting(flags)
        if entry.type == "cgroup" && controllers.isEmpty { return nil }
        root = entry.root
        point = entry.point
    }

    /// Where a path of this hierarchy is in the file system; nil when it is not below what is mounted.
    fileprivate func place(of path: Substring) throws -> Cgroup.Place? {
        guard path.hasPrefix("/"), !path.split(separator: "/").contains("..") else {
            throw CgroupError("find cgroup \(path): it is outside of our cgroup namespace")
        }
        if root == "/" || root.isEmpty { return Cgroup.Place(mount: point, path: String(path)) }
        if path == root { return Cgroup.Place(mount: point, path: "/") }
        guard path.hasPrefix(root + "/") else { return nil }
        return Cgroup.Place(mount: point, path: String(path.dropFirst(root.count)))
    }
}
