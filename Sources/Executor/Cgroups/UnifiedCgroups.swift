internal import CExecutor
internal import Glibc
internal import Linux
internal import OCI

/// A container's cgroup in the v2 hierarchy.
struct UnifiedCgroups: CgroupManager {
    /// Where the hierarchy is mounted.
    let point: String
    let directory: String

    /// `path` is absolute in the hierarchy, or below the cgroup that `own`, the text of /proc/self/cgroup, tells of.
    init(point: String, path: String, own: String) {
        self.point = point
        let parent = own.split(separator: "\n").first { $0.hasPrefix("0::") }.map { String($0.dropFirst(3)) } ?? "/"
        let full = point + "/" + (path.hasPrefix("/") ? path : "\(parent)/\(path)")
        directory = "/" + full.split(separator: "/").filter { $0 != ".." && $0 != "." }.joined(separator: "/")
    }

    init(point: String, directory: String) {
        self.point = point
        self.directory = directory
    }

    var places: [CgroupRecord] { [CgroupRecord(controllers: [], directory: directory)] }

    func create(_ resources: Resources) throws {
        try Files.makeDirectories(directory)
        try enableControllers()
        try update(resources)
        try setDevices(resources.devices)
    }

    /// Hands every controller that the root has down to the container's directory.
    private func enableControllers() throws {
        var path = point
        for name in directory.dropFirst(point.count).split(separator: "/") {
            let controllers = try Files.text("\(path)/cgroup.controllers").split(separator: " ")
            for controller in controllers {
                // One that can't be handed down (threaded parents, real-time tasks) is missed by who asks for it.
                try? CgroupDirectory.write("+\(controller)", to: "\(path)/cgroup.subtree_control")
            }
            path += "/\(name)"
        }
    }

    /// Lets a user of the host manage what is below, as root of the container's user namespace (config-linux.md,
    /// "cgroup ownership").
    func delegate(to uid: UInt32) throws {
        let listed =
            (try? Files.text("/sys/kernel/cgroup/delegate")) ?? "cgroup.procs\ncgroup.threads\ncgroup.subtree_control"
        for name in [""] + listed.split(separator: "\n").map({ "/\($0)" }) {
            let path = directory + name
            guard name.isEmpty || Files.exists(path) else { continue }
            try system("chown", path) { chown(path, uid, .max) }
        }
    }

    /// Where a process of the container can be put: the kernel takes none where controllers are handed down, as the
    /// container itself may have done, and then it is where the first process is.
    func directory(joining first: Int32) -> String {
        guard let handed = try? Files.text("\(directory)/cgroup.subtree_control"), !handed.isEmpty,
            let own = try? Files.text("/proc/\(first)/cgroup"), let point = mountPoint,
            let line = own.split(separator: "\n").first(where: { $0.hasPrefix("0::/") })
        else { return directory }
        let path = point + line.dropFirst(3)
        return path.hasPrefix("\(directory)/") ? path : directory
    }

    private var mountPoint: String? {
        (try? MountTable.read())?.first { $0.type == "cgroup2" && directory.hasPrefix($0.point + "/") }?.point
    }

    func update(_ resources: Resources) throws {
        for write in try Self.writes(resources) {
            try CgroupDirectory.write(write.value, to: "\(directory)/\(write.file)", optional: write.isOptional)
        }
    }

    func processes(everywhere: Bool) throws -> [Int32] { try CgroupDirectory.processes(in: directory) }

    var isFrozen: Bool { (try? Files.text("\(directory)/cgroup.freeze")) == "1" }

    func freeze(_ frozen: Bool) throws {
        try CgroupDirectory.write(frozen ? "1" : "0", to: "\(directory)/cgroup.freeze")
        let wanted = "frozen \(frozen ? 1 : 0)"
        for _ in 0..<1000 {
            if try Files.text("\(directory)/cgroup.events").split(separator: "\n").contains(wanted[...]) { return }
            Pause.milliseconds(2)
        }
        throw ExecutorError("freeze: \(directory) does not become \(wanted)")
    }

    /// Attaches a device program and only then takes older ones off: no moment without one.
    func setDevices(_ rules: [Resources.DeviceRule]) throws {
        let program = DeviceProgram(rules + DeviceRules.always).instructions
        let loaded = program.withUnsafeBytes { fender_device_program($0.baseAddress, UInt32($0.count / 8), nil, 0) }
        guard loaded >= 0 else { throw SystemError(call: "bpf", object: "device program", code: errno) }
        let file = Descriptor(owning: loaded)
        let cgroup = try Descriptor.open(directory, O_RDONLY | O_DIRECTORY)
        let (number, group) = (file.raw, cgroup.raw)
        try system("bpf attach", directory) { fender_attach_device_program(group, number) }
        try system("bpf detach", directory) { fender_detach_device_programs(group, number) }
    }
}
