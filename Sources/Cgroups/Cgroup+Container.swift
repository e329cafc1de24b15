extension Cgroup {
    /// The cgroups of the container that is called `id`: each directory cut after the component that names it, since
    /// a container may have moved its processes further down. Hierarchies that do not name it are left out.
    ///
    /// Nil when none does: then these are some other process's cgroups.
    public func named(_ id: String) -> Cgroup? {
        filtered { place in place.cut { $0.contains(id) } }
    }

    /// The cgroups that these are directly in; nil when all are at the top.
    public var parent: Cgroup? {
        filtered { place in place.isRoot ? nil : place.parent }
    }

    /// The path below the hierarchy's mount that people know it by: that of `memory`, or of v2.
    public var path: String {
        (place(of: "memory") ?? place(of: "cpu") ?? place(of: "pids"))?.path ?? ""
    }

    /// The last component of ``path``.
    public var name: String {
        path.split(separator: "/").last.map(String.init) ?? ""
    }

    /// Whether a controller is in a v1 hierarchy of its own.
    public func isLegacy(_ controller: String) -> Bool { legacy[controller] != nil }

    private func filtered(_ change: (Place) -> Place?) -> Cgroup? {
        var result = Cgroup()
        result.legacy = legacy.compactMapValues(change)
        result.unified = unified.flatMap(change)
        return result.legacy.isEmpty && result.unified == nil ? nil : result
    }
}

extension Cgroup.Place {
    fileprivate var parent: Cgroup.Place {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            return Cgroup.Place(mount: mount, path: "/")
        }
        return Cgroup.Place(mount: mount, path: String(path[..<slash]))
    }

    /// The path up to and with its first component that `isLast` accepts.
    fileprivate func cut(after isLast: (Substring) -> Bool) -> Cgroup.Place? {
        let components = path.split(separator: "/")
        guard let last = components.firstIndex(where: isLast) else { return nil }
        return Cgroup.Place(mount: mount, path: "/" + components[...last].joined(separator: "/"))
    }
}
