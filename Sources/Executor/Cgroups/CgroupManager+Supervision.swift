internal import Linux

extension CgroupManager {
    /// The file that counts kills for want of memory; nil where memory is not counted.
    var oomFile: String? {
        guard let legacy = self as? LegacyCgroups else { return directories.first.map { "\($0)/memory.events" } }
        return legacy.directory(of: "memory").map { "\($0)/memory.oom_control" }
    }

    /// A directory with all processes of the container: on v1 the freezer's, which keeps them still while they are
    /// counted and killed.
    var processDirectory: String? {
        guard let legacy = self as? LegacyCgroups else { return directories.first }
        return legacy.directory(of: "freezer") ?? directories.first
    }
}

extension CgroupPlace {
    /// A cgroup for processes of ours, made when missing; the files that a process joins it by.
    static func shared(_ path: String) throws -> [String] {
        guard path.hasPrefix("/") else { throw ExecutorError("cgroup \(path): must be absolute") }
        let cgroups = try make(path: path, id: path)
        // An empty cpuset takes no process, and we have no wish for one.
        let directories = cgroups.places.filter { !$0.controllers.contains("cpuset") }.map(\.directory)
        for directory in directories { try Files.makeDirectories(directory) }
        return directories.map { "\($0)/cgroup.procs" }
    }
}
