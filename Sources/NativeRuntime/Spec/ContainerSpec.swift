internal import BackEnd
internal import CDI
internal import CRI
internal import ImageRoot
internal import Linux
internal import OCI
internal import Runtime
internal import Security

/// Everything a CRI container's config.json is made from. Nothing here does I/O but reading profiles and the
/// host's devices.
struct ContainerSpec {
    var id: String
    var config: ContainerConfig
    var sandboxConfig: PodSandboxConfig
    var sandbox: SandboxRecord
    var image: ImageConfiguration
    var user: ResolvedUser
    /// The root file system's path.
    var rootfs: String
    var places: PodPlaces
    /// The process id of the container whose pid namespace is joined (`TARGET`).
    var targetPID: Int32 = 0
    /// Image volumes by their index among the mounts: directories to bind.
    var imageVolumes: [Int: String] = [:]
    var cdi = CDIEdits()
    /// The pod's user namespace; nil for the node's.
    var idSpace: IDSpace?
    /// What the runtime can do that makes it in the executor's place; nil for the executor.
    var handler: HandlerFeatures?
    var seccompRoot: String

    var security: LinuxContainerSecurityContext { config.linux.securityContext }

    /// Where the pod's own files and namespaces are.
    struct PodPlaces {
        /// Directory of resolv.conf, hosts and hostname.
        var files: String
        var namespaces: PinnedNamespaces
        var sharedMemory: String
        var hostname: String
    }

    /// What of an image's configuration a container inherits.
    struct ImageConfiguration {
        var entrypoint: [String] = []
        var command: [String] = []
        var environment: [String] = []
        var directory = ""
    }

    func json() throws -> JSON {
        .compact([
            ("ociVersion", handler == nil ? .version : .oldestVersion),
            ("root", .compact([("path", .string(rootfs)), ("readonly", .bool(security.readonlyRootfs))])),
            ("process", try process()), ("mounts", .array(try mounts())), ("linux", try linux()),
            ("hooks", hooks),
            (
                "annotations",
                .object(config.annotations.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) })
            ),
        ])
    }

    private func linux() throws -> JSON {
        let hidden = !security.privileged && config.linux.hasSecurityContext
        return .compact([
            ("namespaces", .array(namespaceList())), ("uidMappings", idSpace?.users), ("gidMappings", idSpace?.groups),
            ("cgroupsPath", .string(CgroupPath.of(id, parent: sandbox.cgroupParent))),
            ("resources", try resources()), ("devices", .array(try devices())),
            ("rootfsPropagation", .string(rootPropagation)), ("seccomp", try seccomp()),
            ("maskedPaths", hidden ? .strings(security.maskedPaths) : nil),
            ("readonlyPaths", hidden ? .strings(security.readonlyPaths) : nil),
            ("mountLabel", try mountLabel()),
        ])
    }

    private func namespaceList() -> [JSON] {
        let options = security.namespaceOptions
        var list: [JSON] = [.namespace("mount")]
        if let idSpace { list.append(idSpace.namespace) }
        switch options.pid {
        case .node: break
        case .container: list.append(.namespace("pid"))
        case .target: list.append(.namespace("pid", "/proc/\(targetPID)/ns/pid"))
        default: list.append(.namespace("pid", "/proc/\(sandbox.pid)/ns/pid"))
        }
        if options.ipc != .node && sandbox.status.linux.namespaces.options.ipc != .node {
            list.append(.namespace("ipc", places.namespaces.path(.ipc)))
        }
        if !sandbox.usesHostNetwork {
            list += [
                .namespace("network", places.namespaces.path(.network)),
                .namespace("uts", places.namespaces.path(.uts)),
            ]
        }
        // Only cgroups of a namespace of its own may be mounted in a user namespace.
        if !security.privileged || idSpace != nil { list.append(.namespace("cgroup")) }
        return list
    }

    /// CDI specifications may ask for programs around the start.
    private var hooks: JSON? {
        if cdi.hooks.isEmpty { return nil }
        let kinds = Dictionary(grouping: cdi.hooks, by: \.name).sorted { $0.key < $1.key }
        return .object(
            kinds.map { name, hooks in
                .init(
                    name,
                    .array(
                        hooks.map { hook in
                            .compact([
                                ("path", .string(hook.path)), ("args", .strings(hook.args)),
                                ("env", .strings(hook.env)), ("timeout", hook.timeout.map { .integer($0) }),
                            ])
                        }))
            })
    }
}
