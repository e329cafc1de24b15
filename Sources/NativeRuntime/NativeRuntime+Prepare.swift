internal import BackEnd
internal import CDI
internal import CRI
internal import Cgroups
internal import Executor
internal import ImageRoot
internal import Images
internal import Linux
internal import OCI
internal import Runtime

/// What a container's creation decided, beside its files.
struct PreparedContainer {
    var user: ResolvedUser
    var mounts: [CRI.Mount]
    var layer: WritableLayer?
}

/// What has to be looked up and made before a container's config.json is complete.
extension NativeRuntime {
    /// Makes the root file system, the image volumes and config.json.
    func prepare(
        _ id: String, _ sandbox: SandboxRecord, _ request: CreateContainerRequest, _ image: StoredImage
    ) async throws -> PreparedContainer {
        let config = request.config
        try check(config, sandbox)
        let space = try idSpace(sandbox.id, sandbox.status.linux.namespaces.options)
        let user = try await user(config.linux.securityContext, image)
        if let space { try check(user, in: space) }
        let snapshot = try await DedicatedThread.run { [images] in
            try images.makeSnapshot(id, image: image.id, in: space)
        }
        var spec = ContainerSpec(
            id: id, config: config, sandboxConfig: request.sandboxConfig, sandbox: sandbox,
            image: .init(image.configuration), user: user, rootfs: snapshot.path, places: places(sandbox.id),
            idSpace: space, handler: try features(of: sandbox), seccompRoot: settings.seccompRoot)
        if config.linux.securityContext.namespaceOptions.pid == .target {
            spec.targetPID =
                try world.target(config.linux.securityContext.namespaceOptions.targetID, in: sandbox).pid
        }
        if !config.cdiDevices.isEmpty { spec.cdi = try await cdi(config.cdiDevices.map(\.name)) }
        try await mountImageVolumes(&spec)
        try await DedicatedThread.run { [spec, containers] in
            // Looks at devices, mounts and profiles.
            let bytes = try spec.json().bytes
            try Files.replace("\(containers.directory(id))/config.json", with: bytes, isDurable: false)
        }
        return PreparedContainer(
            user: user, mounts: spec.config.mounts,
            layer: snapshot.upper.map { WritableLayer(directory: $0, storage: images.directory) })
    }

    private func check(_ config: ContainerConfig, _ sandbox: SandboxRecord) throws {
        try checkUserNamespace(config.linux.securityContext.namespaceOptions, in: sandbox)
        try invalid { try Cgroup.validate(unified: config.linux.resources.unified) }
        for limit in config.linux.resources.hugepageLimits {
            _ = try invalid { try Cgroups.HugepageLimit(pageSize: limit.pageSize, limit: limit.limit).kernelName() }
        }
    }

    private func check(_ user: ResolvedUser, in space: IDSpace) throws {
        let lacks =
            space.maps.host(user: user.uid) == nil
            ? "user \(user.uid)"
            : ([user.gid] + user.groups)
                .first { space.maps.host(group: $0) == nil }.map { "group \($0)" }
        if let lacks {
            throw RuntimeError(.invalidArgument, "security context: \(lacks) is not in the pod's user namespace")
        }
    }

    func places(_ sandboxID: String) -> ContainerSpec.PodPlaces {
        let files = sandboxes.directory(sandboxID)
        return .init(
            files: files, namespaces: namespaces(sandboxID), sharedMemory: sharedMemory(sandboxID),
            hostname: (try? Files.text("\(files)/hostname")) ?? "localhost")
    }

    /// Users and groups in numbers, from the image's own files.
    private func user(_ security: LinuxContainerSecurityContext, _ image: StoredImage) async throws -> ResolvedUser {
        let request = try UserRequest(security, imageUser: image.configuration.user)
        let layers = images.layers(of: image)
        return try await DedicatedThread.run {
            do {
                return try UserDatabase.read(from: try ImageRoot.open(layers: layers)).resolve(request)
            } catch let error as ImageRootError {
                let code: RuntimeError.Code = error.code == .failed ? .unknown : .invalidArgument
                throw RuntimeError(code, "image \(image.id): \(error)", cause: error)
            }
        }
    }

    func cdi(_ names: [String]) async throws -> CDIEdits {
        try await DedicatedThread.run {
            do {
                return try CDIRegistry().edits(for: names)
            } catch {
                throw RuntimeError(.invalidArgument, "CDI: \(error)", cause: error)
            }
        }
    }

    // MARK: Image volumes

    func imageVolumes(_ containerID: String) -> String { "\(settings.nativeState)/volumes/\(containerID)" }

    private func mountImageVolumes(_ spec: inout ContainerSpec) async throws {
        for (index, mount) in spec.config.mounts.enumerated() where mount.hasImage {
            guard mount.readonly else {
                throw RuntimeError(.invalidArgument, "mount \(mount.containerPath): an image volume is read-only")
            }
            guard let image = world.image(mount.image.image), let stored = images.image(id: image.id) else {
                throw RuntimeError(.notFound, "ImageVolumeMountFailed: image \(mount.image.image): not found")
            }
            spec.config.mounts[index].image.imageRef = image.id
            let directory = "\(imageVolumes(spec.id))/\(index)"
            spec.imageVolumes[index] = try await mountImage(
                images.layers(of: stored), at: directory, subPath: mount.imageSubPath, spec.idSpace)
        }
    }

    private func mountImage(
        _ layers: [String], at directory: String, subPath: String, _ space: IDSpace?
    ) async throws -> String {
        try await DedicatedThread.run {
            try Files.makeDirectories(directory, mode: 0o711)
            do {
                return try ImageVolumeMount.mount(
                    layers: layers, at: directory, subPath: subPath, through: space?.path)
            } catch let error as ImageRootError {
                let code: RuntimeError.Code = error.code == .failed ? .unknown : .invalidArgument
                throw RuntimeError(code, "ImageVolumeMountFailed: \(error)", cause: error)
            }
        }
    }

    /// Lets go of a container's image volumes. Repeating it is fine.
    func releaseImageVolumes(_ containerID: String) throws {
        let directory = imageVolumes(containerID)
        for name in try Files.names(in: directory) {
            try ImageVolumeMount.unmount("\(directory)/\(name)")
            try Files.removeDirectory("\(directory)/\(name)")
        }
        try Files.removeDirectory(directory)
    }
}

extension ContainerSpec.ImageConfiguration {
    init(_ configuration: ImageConfiguration) {
        self.init(
            entrypoint: configuration.entrypoint, command: configuration.cmd, environment: configuration.env,
            directory: configuration.workingDir)
    }
}
