internal import BackEnd
internal import CDI
internal import CRI
internal import Cgroups
internal import DockerEngine
internal import ImageRoot
internal import Linux
internal import Runtime

/// What has to be looked up before a container's specification is complete.
extension DockerRuntime {
    func spec(
        _ config: ContainerConfig, _ sandbox: SandboxRecord, logDirectory: String, _ image: ImageRecord,
        _ node: NodeFacts
    ) async throws -> ContainerSpec {
        let security = config.linux.securityContext
        if security.namespaceOptions.hasUsernsOptions && security.namespaceOptions.usernsOptions.mode == .pod {
            throw RuntimeError(.unimplemented, "user namespaces: Docker has none for a single pod")
        }
        guard image.hasCommand || !config.command.isEmpty || !config.args.isEmpty else {
            throw RuntimeError(.invalidArgument, "image \(config.image.image): no command given and none in the image")
        }
        try invalid { try Cgroup.validate(unified: config.linux.resources.unified) }
        for limit in config.linux.resources.hugepageLimits {
            _ = try invalid { try Cgroups.HugepageLimit(pageSize: limit.pageSize, limit: limit.limit).kernelName() }
        }
        var spec = ContainerSpec(
            sandbox: sandbox, config: config, logDirectory: logDirectory, image: image, node: node,
            settings: settings, identity: try await identity(security, image: image))
        if security.namespaceOptions.pid == .target {
            spec.targetID = try world.target(security.namespaceOptions.targetID, in: sandbox).id
        }
        if !config.cdiDevices.isEmpty && !node.readsCDI {
            spec.cdi = try await cdiAdditions(config.cdiDevices.map(\.name))
        }
        try await addImageVolumes(to: &spec)
        return spec
    }

    // MARK: Users and groups

    /// Docker's own rules do for a plain user. Where they differ from the CRI's (a group of its own still merges the
    /// image's groups; Strict never does), the numbers come from the image's files.
    private func identity(
        _ security: LinuxContainerSecurityContext, image: ImageRecord
    ) async throws -> ContainerIdentity {
        let request = try UserRequest(security, imageUser: image.user)
        guard request.policy == .strict || request.gid != nil, !image.layers.isEmpty else {
            return plainIdentity(request)
        }
        let layers = image.layers
        let user = try await lookingInto(image) {
            try UserDatabase.read(from: try ImageRoot.open(layers: layers)).resolve(request)
        }
        let groups = user.groups.filter { $0 != user.gid }
        return ContainerIdentity(user: "\(user.uid):\(user.gid)", groups: groups.map(String.init))
    }

    private func plainIdentity(_ request: UserRequest) -> ContainerIdentity {
        var identity = ContainerIdentity(groups: request.supplementalGroups.map(String.init))
        if let uid = request.uid { identity.user = "\(uid)" }
        if request.uid == nil && !request.username.isEmpty { identity.user = request.username }
        if let gid = request.gid, let user = identity.user { identity.user = "\(user):\(gid)" }
        return identity
    }

    private func lookingInto<Value: Sendable>(
        _ image: ImageRecord, _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        do {
            return try await DedicatedThread.run(body)
        } catch let error as ImageRootError {
            let code: RuntimeError.Code = error.code == .failed ? .unknown : .invalidArgument
            throw RuntimeError(code, "image \(image.id): \(error)", cause: error)
        }
    }

    // MARK: CDI

    func cdiAdditions(_ names: [String]) async throws -> CDIAdditions {
        let edits = try await DedicatedThread.run {
            do {
                return try CDIRegistry().edits(for: names)
            } catch {
                throw RuntimeError(.invalidArgument, "CDI: \(error)", cause: error)
            }
        }
        guard edits.hooks.isEmpty else {
            throw RuntimeError(.unimplemented, "CDI \(names.joined(separator: ", ")): Docker cannot run hooks")
        }
        var additions = CDIAdditions(environment: edits.env)
        additions.devices = edits.deviceNodes.map {
            Docker.DeviceMapping(
                PathOnHost: $0.hostPath, PathInContainer: $0.path, CgroupPermissions: $0.permissions)
        }
        additions.mounts = edits.mounts.map {
            Docker.Mount(
                Type: "bind", Source: $0.hostPath, Target: $0.containerPath, ReadOnly: $0.options.contains("ro"))
        }
        return additions
    }

    // MARK: Image volumes

    /// Finds the images that are mounted as volumes and, where Docker cannot mount them, does it for it.
    private func addImageVolumes(to spec: inout ContainerSpec) async throws {
        for (index, mount) in spec.config.mounts.enumerated() where mount.hasImage {
            guard mount.readonly else {
                throw RuntimeError(.invalidArgument, "mount \(mount.containerPath): an image volume is read-only")
            }
            guard let image = try await image(named: mount.image.image) else {
                throw RuntimeError(.notFound, "ImageVolumeMountFailed: image \(mount.image.image): not found")
            }
            spec.config.mounts[index].image.imageRef = image.id
            if spec.node.mountsImages { continue }
            spec.imageVolumes[index] = try await volumes.mount(
                image, index: index, subPath: mount.imageSubPath, owner: spec.name, engine: engine)
        }
    }

    // MARK: After the start

    /// Writes the limits that Docker's API has no word for.
    func applyLateLimits(to container: ContainerRecord) async throws {
        let limits = LateLimits(container.status.resources.linux)
        if limits.isEmpty { return }
        let inspection = try await engine.inspectContainer(container.id)
        try await apply(limits, pid: Int32(clamping: inspection.State.Pid))
    }

    func apply(_ limits: LateLimits, pid: Int32) async throws {
        guard pid > 0 else { return }
        let resources = limits.resources
        try await DedicatedThread.run {
            let cgroup = try CgroupHierarchies.read().cgroup(of: pid)
            _ = try cgroup.set(
                hugepages: resources.hugepageLimits.map {
                    Cgroups.HugepageLimit(pageSize: $0.pageSize, limit: $0.limit)
                })
            if !resources.unified.isEmpty { try cgroup.apply(unified: resources.unified) }
        }
    }
}
