internal import CExecutor
internal import Glibc
internal import OCI

extension PlanBuilder {
    private static let privateRecursive: UInt64 = 1 << 18 | MountOptions.recursiveFlag
    private static let slaveRecursive: UInt64 = 1 << 19 | MountOptions.recursiveFlag

    /// Opens a bind mount's source on the host's side: what it is then can't change any more.
    mutating func openSource(of mount: Spec.Mount, _ index: Int) throws {
        let options = MountOptions(mount.options)
        guard options.isBind || mount.type == "bind" else { return }
        guard let source = mount.source, !source.isEmpty else { throw SpecError("\(mount.path).source", "is missing") }
        let slot = try writer.slot()
        let recursive = options.isRecursive || !options.isBind
        writer.step(
            FENDER_OPEN_TREE, [slot, recursive ? 1 : 0],
            [source.hasPrefix("/") ? source : "\(setting.state.bundle)/\(source)"])
        trees[index] = slot
        if options.idmap != nil || !mount.uidMappings.isEmpty {
            let users = mount.uidMappings.isEmpty ? spec.linux.uidMappings : mount.uidMappings
            let groups = mount.gidMappings.isEmpty ? spec.linux.gidMappings : mount.gidMappings
            guard !users.isEmpty, !groups.isEmpty else { throw SpecError("\(mount.path).uidMappings", "is missing") }
            writer.step(
                FENDER_IDMAP, [slot, options.idmap == .recursive ? 1 : 0],
                [Self.map(users), Self.map(groups), source])
        }
    }

    /// Opens the container's v1 cgroups when they are to be seen in it without a namespace of their own.
    mutating func openCgroupTrees() throws {
        guard !isNew(.cgroup), spec.mounts.contains(where: { $0.type == "cgroup" }) else { return }
        for (_, directory) in setting.cgroupMounts {
            let slot = try writer.slot()
            writer.step(FENDER_OPEN_TREE, [slot, 0], [directory])
            cgroupTrees[directory] = slot
        }
    }

    /// The root file system's mount, while we still are who may go through the directories that lead there: root of a
    /// user namespace may not.
    mutating func addRoot() {
        writer.step(FENDER_PROPAGATION, [Self.slaveRecursive])
        // An unbindable or shared mount cannot be the new root until it is: it is made so at the end.
        writer.step(FENDER_ROOT, [Self.privateRecursive], [setting.rootfs])
    }

    /// The container's tree of files, up to and with making it the root.
    mutating func addFilesystem(_ process: Process) throws {
        let linux = spec.linux
        let propagation = try rootPropagation()
        if !linux.sysctl.isEmpty || process.appArmorProfile?.isEmpty == false || process.selinuxLabel?.isEmpty == false
        {
            writer.step(FENDER_PROC, flags: PlanWriter.optional)
        }
        for (index, mount) in spec.mounts.enumerated() { try add(mount, index) }
        if needsDevices { addDevices() }
        if process.terminal { try addTerminal(process, bindConsole: true) }
        if !spec.hooks.prestart.isEmpty || !spec.hooks.createRuntime.isEmpty { writer.step(FENDER_SYNC) }
        addHooks(spec.hooks.createContainer, .creating)
        for path in linux.readonlyPaths { writer.step(FENDER_READONLY, [], [path]) }
        for path in linux.maskedPaths { writer.step(FENDER_MASK, [], [path]) }
        if spec.root.readonly { writer.step(FENDER_ATTRIBUTES, [MountOptions.readOnly], ["/"]) }
        writer.step(FENDER_PIVOT, [setting.pivots ? 0 : 1])
        if propagation != Self.privateRecursive { writer.step(FENDER_PROPAGATION, [propagation]) }
        for (key, value) in linux.sysctl { try addSysctl(key, value) }
    }

    private func rootPropagation() throws -> UInt64 {
        guard let word = spec.linux.rootfsPropagation, !word.isEmpty else { return Self.privateRecursive }
        guard let bits = MountOptions.propagation(word) else {
            throw SpecError("linux.rootfsPropagation", "\(word) is unknown")
        }
        return bits
    }

    private mutating func add(_ mount: Spec.Mount, _ index: Int) throws {
        let options = MountOptions(mount.options)
        if let slot = trees[index] {
            guard options.data.isEmpty else {
                throw SpecError("\(mount.path).options", "\(options.data[0]) means nothing to a bind mount")
            }
            // "rw" and its like say what a mount is not made; what the source is stays.
            writer.step(
                FENDER_ATTACH,
                [slot, options.set, 0, options.recursiveSet, options.recursiveClear, options.propagation],
                [mount.source ?? "", mount.destination])
        } else if mount.type == "cgroup" {
            try addCgroups(mount, options)
        } else {
            guard let type = mount.type, !type.isEmpty else { throw SpecError("\(mount.path).type", "is missing") }
            addFilesystem(type, mount, options)
        }
    }

    private mutating func addFilesystem(_ type: String, _ mount: Spec.Mount, _ options: MountOptions) {
        let isKernel = type == "proc" || type == "sysfs"
        let bits =
            (isKernel ? UInt64(FENDER_MOUNT_NO_LINKS.rawValue) : 0)
            | (options.copiesUp ? UInt64(FENDER_MOUNT_COPY_UP.rawValue) : 0)
        var data = options.data
        if let label = spec.linux.mountLabel, !label.isEmpty, !isKernel, type != "mqueue" {
            data.append("context=\(label)")
        }
        writer.step(
            FENDER_MOUNT, [options.set | options.recursiveSet, options.propagation, bits],
            [type, mount.source ?? "", mount.destination] + data)
    }

    /// The container's own cgroups: all of v2 as one file system, v1 as a directory of binds.
    private mutating func addCgroups(_ mount: Spec.Mount, _ options: MountOptions) throws {
        if setting.cgroupMounts.isEmpty {
            return addFilesystem("cgroup2", mount, options)
        }
        let plain = options.set & ~MountOptions.readOnly
        writer.step(
            FENDER_MOUNT, [plain, options.propagation], ["tmpfs", "tmpfs", mount.destination, "mode=755"])
        for (name, directory) in setting.cgroupMounts {
            let target = "\(mount.destination)/\(name)"
            if isNew(.cgroup) {
                writer.step(
                    FENDER_MOUNT, [options.set, options.propagation],
                    ["cgroup", "cgroup", target] + Self.hierarchyOptions(name))
            } else {
                guard let slot = cgroupTrees[directory] else { continue }
                writer.step(
                    FENDER_ATTACH, [slot, options.set, 0, 0, 0, options.propagation], [directory, target])
            }
        }
        for (link, target) in setting.cgroupLinks {
            writer.step(FENDER_SYMLINK, [], [target, "\(mount.destination)/\(link)"])
        }
        if options.set & MountOptions.readOnly != 0 {
            writer.step(FENDER_ATTRIBUTES, [MountOptions.readOnly], [mount.destination])
        }
    }

    private static func hierarchyOptions(_ name: String) -> [String] {
        name == "systemd" ? ["none", "name=systemd"] : name.split(separator: ",").map(String.init)
    }

    /// Only what a namespace of the container's own holds may be set (sysctl names as in sysctl(8)).
    private mutating func addSysctl(_ key: String, _ value: String) throws {
        let ipc: Set = [
            "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax",
            "kernel.shmmni", "kernel.shm_rmid_forced",
        ]
        let name = key.split(separator: "/").joined(separator: ".")
        let allowed =
            (ipc.contains(name) || name.hasPrefix("fs.mqueue.")) && has(.ipc)
            || name.hasPrefix("net.") && has(.network)
            || (name == "kernel.domainname" || name == "kernel.hostname") && has(.uts)
            || name.hasPrefix("user.") && has(.user)
        guard allowed, !name.contains("..") else {
            throw SpecError("linux.sysctl", "\(key) is not in a separate kernel namespace")
        }
        // With a slash in it a dot belongs to a name, as in net/ipv4/conf/eth0.1.
        let path = key.contains("/") ? key : key.split(separator: ".").joined(separator: "/")
        writer.step(FENDER_SYSCTL, [], ["sys/\(path)", value])
    }
}
