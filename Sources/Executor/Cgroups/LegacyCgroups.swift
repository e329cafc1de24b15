internal import Glibc
internal import Linux
internal import OCI

/// A container's cgroups in the v1 hierarchies (and v1 with an empty v2 beside it).
struct LegacyCgroups: CgroupManager {
    /// One mounted v1 hierarchy.
    struct Hierarchy: Equatable {
        /// Sorted as the kernel lists them, or `name=…`; none for v2, by which systemd finds processes.
        var controllers: [String]
        var point: String
        /// The container's directory.
        var directory: String
    }

    let hierarchies: [Hierarchy]

    /// Hierarchies of a mount table, with the container's directory in each: `path` is absolute in the hierarchy, or
    /// below the cgroup that `own`, the text of /proc/self/cgroup, tells of. The v2 hierarchy beside them is `unified`'s.
    init(mounts: [MountEntry], path: String, own: String, unified: String? = nil) {
        let flags: Set = ["rw", "ro", "xattr", "clone_children", "noprefix", "cpuset_v2_mode", "seclabel"]
        var seen: Set<String> = []
        let beside = unified.map { [Hierarchy(controllers: [], point: $0, directory: Self.join($0, path))] } ?? []
        let legacy: [Hierarchy] = mounts.filter { $0.type == "cgroup" }.compactMap { entry in
            let controllers = entry.superOptions.filter { !flags.contains($0) && !$0.hasPrefix("release_agent=") }
            guard !controllers.isEmpty, seen.insert(controllers.joined(separator: ",")).inserted else { return nil }
            let inside = path.hasPrefix("/") ? path : Self.join(Self.ownPath(of: controllers, own), path)
            let relative =
                entry.root != "/" && inside.hasPrefix(entry.root + "/")
                ? String(inside.dropFirst(entry.root.count)) : inside
            return Hierarchy(
                controllers: controllers, point: entry.point, directory: Self.join(entry.point, relative))
        }
        hierarchies = legacy + beside
    }

    /// The container made earlier, by what its state remembers.
    init(_ places: [CgroupRecord]) {
        hierarchies = places.map { Hierarchy(controllers: $0.controllers, point: "", directory: $0.directory) }
    }

    private static func join(_ first: String, _ second: String) -> String {
        let parts = (first + "/" + second).split(separator: "/").filter { $0 != ".." && $0 != "." }
        return "/" + parts.joined(separator: "/")
    }

    private static func ownPath(of controllers: [String], _ text: String) -> String {
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            if fields.count == 3, fields[1] == controllers.joined(separator: ",") { return String(fields[2]) }
            if fields.count == 3, Set(fields[1].split(separator: ",").map(String.init)) == Set(controllers) {
                return String(fields[2])
            }
        }
        return "/"
    }

    var places: [CgroupRecord] {
        hierarchies.map { CgroupRecord(controllers: $0.controllers, directory: $0.directory) }
    }

    private var legacy: [Hierarchy] { hierarchies.filter { !$0.controllers.isEmpty } }

    /// Directories whose `tasks` a process joins.
    var legacyDirectories: [String] { legacy.map(\.directory) }

    /// The directory in v2, if there is one.
    var unifiedDirectory: String? { hierarchies.first { $0.controllers.isEmpty }?.directory }

    func directory(of controller: String) -> String? {
        hierarchies.first { $0.controllers.contains(controller) }?.directory
    }

    func create(_ resources: Resources) throws {
        for hierarchy in hierarchies {
            try Files.makeDirectories(hierarchy.directory)
            if hierarchy.controllers.contains("cpuset") { try fillCPUSet(hierarchy) }
        }
        for write in Self.deviceWrites(resources.devices) { try apply(write) }
        try update(resources)
    }

    /// A cpuset without CPUs or memory nodes takes no process; a new one has its parent's.
    private func fillCPUSet(_ hierarchy: Hierarchy) throws {
        var path = hierarchy.point
        for name in hierarchy.directory.dropFirst(hierarchy.point.count).split(separator: "/") {
            let parent = path
            path += "/\(name)"
            for file in ["cpuset.cpus", "cpuset.mems"] {
                guard try Files.text("\(path)/\(file)").isEmpty else { continue }
                try CgroupDirectory.write(Files.text("\(parent)/\(file)"), to: "\(path)/\(file)")
            }
        }
    }

    func update(_ resources: Resources) throws {
        try setMemory(resources.memory)
        for write in Self.writes(resources) { try apply(write) }
    }

    private func apply(_ write: CgroupWrite) throws {
        guard let directory = directory(of: write.controller) else {
            if write.isOptional { return }
            throw ExecutorError("write \(write.file): the machine has no \(write.controller) controller")
        }
        try CgroupDirectory.write(write.value, to: "\(directory)/\(write.file)", optional: write.isOptional)
    }

    /// The kernel refuses a memory limit above the one of memory and swap: which goes first depends on what is there.
    private func setMemory(_ memory: Resources.Memory) throws {
        let limit = memory.limit.flatMap { $0 == 0 ? nil : CgroupWrite("memory", "memory.limit_in_bytes", $0) }
        let swap = memory.swap.flatMap {
            $0 == 0 ? nil : CgroupWrite("memory", "memory.memsw.limit_in_bytes", $0, optional: true)
        }
        guard let limit, let swap else { return try [limit, swap].compactMap { $0 }.forEach(apply) }
        do {
            if memory.swap == -1 { try apply(swap) }
            try apply(limit)
            try apply(swap)
        } catch {
            try apply(swap)
            try apply(limit)
        }
    }

    func processes(everywhere: Bool) throws -> [Int32] {
        var pids: Set<Int32> = []
        // Every process of ours is in every hierarchy, but for a moment while it joins them.
        for hierarchy in hierarchies.prefix(everywhere ? .max : 1) {
            pids.formUnion(try CgroupDirectory.processes(in: hierarchy.directory))
        }
        return pids.sorted()
    }

    var isFrozen: Bool {
        guard let directory = directory(of: "freezer") else { return false }
        return (try? Files.text("\(directory)/freezer.state")) != "THAWED"
            && Files.exists("\(directory)/freezer.state")
    }

    func freeze(_ frozen: Bool) throws {
        guard let directory = directory(of: "freezer") else { throw ExecutorError("freeze: no freezer controller") }
        let path = "\(directory)/freezer.state"
        let wanted = frozen ? "FROZEN" : "THAWED"
        for attempt in 0..<500 {
            // A process that forks meanwhile can leave it half frozen: write again.
            if attempt % 25 == 0 { try CgroupDirectory.write(wanted, to: path) }
            if try Files.text(path) == wanted { return }
            Pause.milliseconds(2)
        }
        if frozen { try? CgroupDirectory.write("THAWED", to: path) }
        throw ExecutorError("freeze: \(path) does not become \(wanted)")
    }

    /// Names a cgroup mount in the container has, as the host's own directories are named, and links for controllers
    /// that share a hierarchy.
    var mounts: [(name: String, directory: String)] {
        legacy.map { ($0.point.split(separator: "/").last.map(String.init) ?? "", $0.directory) }
    }
    var links: [(link: String, target: String)] {
        legacy.flatMap { hierarchy in
            let name = hierarchy.point.split(separator: "/").last.map(String.init) ?? ""
            return hierarchy.controllers.filter { $0 != name && !$0.hasPrefix("name=") }.map { ($0, name) }
        }
    }
}
