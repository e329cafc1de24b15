internal import Glibc
internal import Linux

extension Cgroup {
    /// The ids of all processes in this cgroup and the cgroups below it, as our pid namespace sees them.
    ///
    /// Empty when the cgroup is gone. Throws ``CgroupError`` where the process is in the root cgroup only,
    /// which tells nothing about a container.
    public func processes() throws -> [Int32] {
        try Self.processes(below: try ownPlace().directory)
    }

    /// Whether a process is in this cgroup or below it now.
    public func contains(_ pid: Int32) -> Bool { ((try? processes()) ?? []).contains(pid) }

    /// Kills all processes in this cgroup and below it, and waits for their end, at most `patience`
    /// milliseconds. Blocks the calling thread. Answers whether none is left.
    @discardableResult
    public func kill(patience: Int32 = 5_000) throws -> Bool {
        let place = try ownPlace()
        // Linux 5.14: one write, against which no fork helps.
        if place == unified, (try? Self.write("1", to: "cgroup.kill", in: place)) != nil {}
        var tried: Set<Int32> = []
        while true {
            let fresh = try Self.processes(below: place.directory).filter { !tried.contains($0) }
            if fresh.isEmpty { break }
            for pid in fresh {
                tried.insert(pid)
                try ProcessTree.kill(pid, patience: patience) { id in
                    (try? Self.processes(below: place.directory).contains(id)) ?? false
                }
            }
        }
        return try Self.processes(below: place.directory).isEmpty
    }

    /// The hierarchy that tells best which processes belong to the container.
    private func ownPlace() throws -> Place {
        let order = ["pids", "freezer", "devices", "memory", "cpu", "name=systemd"].map { legacy[$0] }
        guard
            let place = ([legacy.isEmpty ? unified : nil] + order + [unified]).compactMap({ $0 }).first(where: {
                !$0.isRoot
            })
        else { throw CgroupError("list processes: they are in the root cgroup") }
        return place
    }

    private static func processes(below directory: String) throws -> [Int32] {
        var found: [Int32] = []
        var waiting = [directory]
        while let next = waiting.popLast() {
            do {
                let text = try Files.text("\(next)/cgroup.procs", limit: 16 << 20)
                found += text.split(separator: "\n").compactMap { Int32($0) }
            } catch let error as SystemError where [ENOENT, ENODEV, EOPNOTSUPP].contains(error.code) {
                if error.code != EOPNOTSUPP { continue }
            }
            for name in try Files.names(in: next) where isDirectory("\(next)/\(name)") {
                waiting.append("\(next)/\(name)")
            }
        }
        return found
    }

    private static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
