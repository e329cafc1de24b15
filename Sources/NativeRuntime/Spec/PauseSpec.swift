internal import CRI
internal import Linux
internal import OCI

/// The config.json of a sandbox's pause process.
struct PauseSpec {
    var id: String
    var config: PodSandboxConfig
    var namespaces: PinnedNamespaces
    /// A directory with the program alone.
    var rootfs: String
    /// The pod's user namespace; nil for the node's.
    var idSpace: IDSpace?

    private var options: NamespaceOption { config.linux.securityContext.namespaceOptions }

    var json: JSON {
        .compact([
            ("ociVersion", .version),
            ("root", .compact([("path", .string(rootfs)), ("readonly", .bool(true))])),
            ("mounts", .array([.mount("/dev", "tmpfs", "tmpfs", ["nosuid", "noexec", "mode=755", "size=64k"])])),
            ("process", process), ("linux", linux),
        ])
    }

    /// Nobody's id, or the last one of a user namespace that lacks it.
    private var user: UInt32 { min(65535, (idSpace?.maps.users.first?.count ?? .max) - 1) }

    private var process: JSON {
        .compact([
            ("user", .compact([("uid", .integer(user)), ("gid", .integer(user))])),
            ("args", .strings(["/pause"])), ("cwd", .string("/")), ("noNewPrivileges", .bool(true)),
            ("oomScoreAdj", .integer(-998)),
        ])
    }

    private var linux: JSON {
        var list: [JSON] = [.namespace("mount")]
        if let idSpace { list.append(idSpace.namespace) }
        if options.pid != .node { list.append(.namespace("pid")) }
        if options.ipc != .node { list.append(.namespace("ipc", namespaces.path(.ipc))) }
        if options.network != .node {
            list += [
                .namespace("network", namespaces.path(.network)), .namespace("uts", namespaces.path(.uts)),
            ]
        }
        return .compact([
            ("namespaces", .array(list)), ("uidMappings", idSpace?.users), ("gidMappings", idSpace?.groups),
            ("cgroupsPath", .string(CgroupPath.of(id, parent: config.linux.cgroupParent))),
            (
                "resources",
                .compact([
                    ("devices", .array([.deviceRule(allow: false)])), ("cpu", .compact([("shares", .integer(2))])),
                ])
            ),
        ])
    }
}

/// Where cgroups stand below the root of each hierarchy.
enum CgroupPath {
    /// `linux.cgroupsPath` of a config.json: the form of the pod's parent says whether systemd manages its cgroups, for
    /// then it is a slice, whole or by name.
    static func of(_ id: String, parent: String) -> String {
        if let slice = parent.split(separator: "/").last, slice.hasSuffix(".slice") { return "\(slice):fender:\(id)" }
        return parent.isEmpty ? "/fender/\(id)" : parent.hasSuffix("/") ? "\(parent)\(id)" : "\(parent)/\(id)"
    }
}
