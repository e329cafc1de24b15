internal import CDI
internal import CRI
internal import Linux
internal import OCI
internal import Runtime
internal import Security

extension ContainerSpec {
    /// The kernel's file systems and the pod's files, then what the pod asks for, outer paths first.
    func mounts() throws -> [JSON] {
        let asked = Set(config.mounts.map { Self.normal($0.containerPath) })
        var list = (kernelMounts + podFiles).filter { !asked.contains($0.destination) }.map(\.json)
        let ordered = config.mounts.enumerated().sorted { first, second in
            let depths = [first, second].map { Self.normal($0.element.containerPath).split(separator: "/").count }
            return depths[0] == depths[1] ? first.offset < second.offset : depths[0] < depths[1]
        }
        for (index, mount) in ordered { list.append(try json(mount, index)) }
        for mount in cdi.mounts {
            list.append(
                .mount(
                    mount.containerPath, mount.type.isEmpty ? "bind" : mount.type, mount.hostPath,
                    mount.options.isEmpty ? ["rbind", "rprivate"] : mount.options))
        }
        return list
    }

    private struct Entry {
        var destination: String
        var type: String
        var source: String
        var options: [String]

        var json: JSON { .mount(destination, type, source, options) }
    }

    private static func normal(_ path: String) -> String {
        "/" + path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }

    private var kernelMounts: [Entry] {
        let access = security.privileged ? "rw" : "ro"
        let hostIPC = security.namespaceOptions.ipc == .node || sandbox.status.linux.namespaces.options.ipc == .node
        return [
            Entry(destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"]),
            Entry(
                destination: "/dev", type: "tmpfs", source: "tmpfs",
                options: ["nosuid", "strictatime", "mode=755", "size=65536k"]),
            Entry(
                destination: "/dev/pts", type: "devpts", source: "devpts",
                options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"] + terminalGroup),
            hostIPC
                ? Entry(
                    destination: "/dev/mqueue", type: "bind", source: "/dev/mqueue", options: ["rbind", "rprivate"])
                : Entry(
                    destination: "/dev/mqueue", type: "mqueue", source: "mqueue",
                    options: ["nosuid", "noexec", "nodev"]),
            systemFiles(access),
            Entry(
                destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup",
                options: ["nosuid", "noexec", "nodev", "relatime", access]),
            Entry(
                destination: "/dev/shm", type: "bind", source: hostIPC ? "/dev/shm" : places.sharedMemory,
                options: ["rbind", "rprivate"]),
        ].filter { $0.source.first != "/" || Files.exists($0.source) }
    }

    /// The group "tty", unless the user namespace has no such.
    private var terminalGroup: [String] {
        idSpace.map { $0.maps.host(group: 5) == nil } == true ? [] : ["gid=5"]
    }

    /// A user namespace that does not own its network may not mount its devices' files, and sees the node's.
    private func systemFiles(_ access: String) -> Entry {
        let options = ["nosuid", "noexec", "nodev", access]
        guard idSpace != nil && sandbox.usesHostNetwork else {
            return Entry(destination: "/sys", type: "sysfs", source: "sysfs", options: options)
        }
        return Entry(destination: "/sys", type: "bind", source: "/sys", options: ["rbind", "rprivate"] + options)
    }

    private var podFiles: [Entry] {
        ["resolv.conf", "hosts", "hostname"].map { name in
            Entry(
                destination: "/etc/\(name)", type: "bind", source: "\(places.files)/\(name)",
                options: ["rbind", "rprivate", security.readonlyRootfs ? "ro" : "rw"])
        }
    }

    private func json(_ mount: CRI.Mount, _ index: Int) throws -> JSON {
        guard mount.containerPath.hasPrefix("/"), !mount.containerPath.utf8.contains(0) else {
            throw RuntimeError(.invalidArgument, "mount \(mount.containerPath): container path must be absolute")
        }
        if mount.hasImage {
            return .mount(mount.containerPath, "bind", imageVolumes[index] ?? "", ["rbind", "rprivate", "ro"])
        }
        try check(mount)
        var options = ["rbind", Self.propagation(mount.propagation)]
        if mount.readonly { options.append(mount.recursiveReadOnly ? "rro" : "ro") }
        var entry = JSON.mount(mount.containerPath, "bind", mount.hostPath, options)
        for (key, mappings) in [("uidMappings", mount.uidMappings), ("gidMappings", mount.gidMappings)]
        where !mappings.isEmpty {
            entry.set(key, .array(mappings.map { IDRange($0).json }))
        }
        return entry
    }

    private func check(_ mount: CRI.Mount) throws {
        guard mount.hostPath.hasPrefix("/"), !mount.hostPath.utf8.contains(0) else {
            throw RuntimeError(.invalidArgument, "mount \(mount.containerPath): host path must be absolute")
        }
        guard Files.exists(mount.hostPath) else {
            throw RuntimeError(
                .invalidArgument, "mount \(mount.containerPath): host path \(mount.hostPath): no such file or directory"
            )
        }
        guard mount.uidMappings.isEmpty == mount.gidMappings.isEmpty,
            (mount.uidMappings + mount.gidMappings).allSatisfy({ $0.length > 0 })
        else {
            throw RuntimeError(
                .invalidArgument, "mount \(mount.containerPath): mappings of uids and gids come together, none empty")
        }
        if let handler, !mount.uidMappings.isEmpty, !handler.mappedMounts {
            throw RuntimeError(
                .unimplemented, "mount \(mount.containerPath): this runtime handler has no id-mapped mounts")
        }
        if let handler, mount.recursiveReadOnly, !handler.recursiveReadOnlyMounts {
            throw RuntimeError(
                .invalidArgument,
                "RROUnsupported: mount \(mount.containerPath): this runtime handler has no recursive read-only mounts")
        }
        if mount.recursiveReadOnly {
            guard mount.readonly, mount.propagation == .propagationPrivate else {
                throw RuntimeError(
                    .invalidArgument,
                    "mount \(mount.containerPath): recursive_read_only needs readonly and private propagation")
            }
        }
        try checkPropagation(mount)
    }

    /// What cannot propagate is refused rather than silently private.
    private func checkPropagation(_ mount: CRI.Mount) throws {
        guard mount.propagation == .propagationBidirectional else { return }
        let path = Self.normal(mount.hostPath)
        let below = try MountTable.read().filter {
            path == $0.point || $0.point == "/" || path.hasPrefix("\($0.point)/")
        }
        guard let nearest = below.max(by: { $0.point.utf8.count < $1.point.utf8.count }), nearest.isShared else {
            throw RuntimeError(
                .invalidArgument, "mount \(mount.containerPath): host path \(mount.hostPath) is not on a shared mount")
        }
    }

    /// The root's own must let through what the mounts in it are to.
    var rootPropagation: String {
        let asked = config.mounts.map(\.propagation)
        if asked.contains(.propagationBidirectional) { return "rshared" }
        return asked.contains(.propagationHostToContainer) ? "rslave" : "rprivate"
    }

    private static func propagation(_ propagation: MountPropagation) -> String {
        switch propagation {
        case .propagationHostToContainer: "rslave"
        case .propagationBidirectional: "rshared"
        default: "rprivate"
        }
    }
}
