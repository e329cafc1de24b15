internal import CRI
internal import DockerEngine
internal import Linux
internal import Runtime
internal import Security

extension ContainerSpec {
    func setMounts(_ host: inout Docker.HostConfig) throws {
        var mounts: [Docker.Mount] = []
        var binds: [String] = []
        for (index, mount) in config.mounts.enumerated() {
            if mount.hasImage {
                mounts.append(try imageMount(mount, index: index))
            } else if mount.selinuxRelabel && SELinux.isEnabled {
                binds.append(try relabellingBind(mount))
            } else {
                mounts.append(try bindMount(mount))
            }
        }
        mounts += cdi.mounts
        host.Mounts = mounts.isEmpty ? nil : mounts
        host.Binds = binds.isEmpty ? nil : binds
    }

    private func bindMount(_ mount: CRI.Mount) throws -> Docker.Mount {
        try check(mount)
        var result = Docker.Mount(
            Type: "bind", Source: mount.hostPath, Target: mount.containerPath, ReadOnly: mount.readonly)
        var options = Docker.BindOptions()
        options.Propagation = Self.propagation(mount.propagation)
        // From API 1.44 on a read-only bind is recursively read-only unless told otherwise.
        if node.apiVersion >= APIVersion(1, 44) && mount.readonly {
            if mount.recursiveReadOnly {
                options.ReadOnlyForceRecursive = true
            } else {
                options.ReadOnlyNonRecursive = true
            }
        }
        result.BindOptions = options
        return result
    }

    /// The mount API has no SELinux relabelling; the older bind syntax has.
    private func relabellingBind(_ mount: CRI.Mount) throws -> String {
        try check(mount)
        guard !mount.hostPath.contains(":"), !mount.containerPath.contains(":") else {
            throw RuntimeError(.invalidArgument, "mount \(mount.hostPath): a path with ':' cannot be relabelled")
        }
        let access = mount.readonly ? "ro" : "rw"
        return "\(mount.hostPath):\(mount.containerPath):\(access),Z,\(Self.propagation(mount.propagation))"
    }

    private func imageMount(_ mount: CRI.Mount, index: Int) throws -> Docker.Mount {
        if let directory = imageVolumes[index] {
            var result = Docker.Mount(Type: "bind", Source: directory, Target: mount.containerPath, ReadOnly: true)
            result.BindOptions = Docker.BindOptions()
            result.BindOptions?.Propagation = "rprivate"
            return result
        }
        var result = Docker.Mount(
            Type: "image", Source: mount.image.imageRef, Target: mount.containerPath, ReadOnly: true)
        if !mount.imageSubPath.isEmpty {
            result.ImageOptions = Docker.ImageOptions()
            result.ImageOptions?.Subpath = mount.imageSubPath
        }
        return result
    }

    private func check(_ mount: CRI.Mount) throws {
        guard mount.hostPath.hasPrefix("/") else {
            throw RuntimeError(.invalidArgument, "mount \(mount.containerPath): host path must be absolute")
        }
        guard Files.exists(mount.hostPath) else {
            throw RuntimeError(
                .invalidArgument, "mount \(mount.containerPath): host path \(mount.hostPath): no such file or directory"
            )
        }
        guard mount.uidMappings.isEmpty && mount.gidMappings.isEmpty else {
            throw RuntimeError(.unimplemented, "mount \(mount.containerPath): Docker has no id-mapped mounts")
        }
        guard mount.recursiveReadOnly else { return }
        guard mount.readonly, mount.propagation == .propagationPrivate else {
            throw RuntimeError(
                .invalidArgument,
                "mount \(mount.containerPath): recursive_read_only needs readonly and private propagation")
        }
        guard node.hasRecursiveReadOnly(handler: sandbox.status.runtimeHandler) else {
            throw RuntimeError(
                .unknown, "RROUnsupported: mount \(mount.containerPath): Docker \(node.serverVersion) cannot do it")
        }
    }

    static func propagation(_ propagation: MountPropagation) -> String {
        switch propagation {
        case .propagationHostToContainer: "rslave"
        case .propagationBidirectional: "rshared"
        default: "rprivate"
        }
    }
}
