public import CRI
public import Runtime

/// The ImageService's calls over two stores.
extension MixedRuntime {
    /// What an `ImageSpec` names for the part that its handler names: for pods on Docker only what Docker has, for
    /// native ones also what they can take over. An id means the same everywhere.
    public func image(_ spec: ImageSpec) -> ImageRecord? {
        if spec.image.hasPrefix("sha256:") { return world.image(spec.image) }
        if !isNative(spec.runtimeHandler) { return docker.world.image(spec.image) }
        return native.world.image(spec.image) ?? docker.world.image(spec.image)
    }

    /// `PullImage`: into the store of the part that its handler names.
    public func pullImage(
        _ image: ImageSpec, auth: AuthConfig?, sandboxConfig: PodSandboxConfig?
    ) async throws -> String {
        try await part(for: image.runtimeHandler).pullImage(image, auth: auth, sandboxConfig: sandboxConfig)
    }

    /// `RemoveImage`: wherever it is; what the second part thinks of it does not keep the first from removing it.
    public func removeImage(_ image: ImageRecord) async throws {
        var failure: (any Error)?
        for part: any PodBackEnd in [docker, native] {
            guard let own = part.world.image(image.id) else { continue }
            do { try await part.removeImage(own) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    /// What only a verbose `ImageStatus` shows.
    public func info(of image: ImageRecord) async throws -> [String: String] {
        let part: any PodBackEnd = docker.world.image(image.id) == nil ? native : docker
        return try await part.info(of: part.world.image(image.id) ?? image)
    }

    /// `ImageFsInfo`: the file systems of both; Docker's are left out while it does not answer.
    public func imageFsInfo() async throws -> ImageFsInfoResponse {
        var response = try await native.imageFsInfo()
        do {
            let other = try await docker.imageFsInfo()
            response.imageFilesystems.insert(contentsOf: other.imageFilesystems, at: 0)
            response.containerFilesystems.insert(contentsOf: other.containerFilesystems, at: 0)
        } catch let error as RuntimeError where error.code == .unavailable {}
        return response
    }

    /// The configuration of a native container, its images in the native store.
    func takingImages(of config: ContainerConfig) async throws -> ContainerConfig {
        var config = config
        config.image.image = try await taking(config.image.image)
        for index in config.mounts.indices where config.mounts[index].hasImage {
            config.mounts[index].image.image = try await taking(config.mounts[index].image.image)
        }
        return config
    }

    /// The native store's id of an image, taken over from Docker if need be; `name` itself where nobody has it.
    private func taking(_ name: String) async throws -> String {
        if native.world.image(name) != nil { return name }
        guard let image = docker.world.image(name) else { return name }
        return try await native.take(image) { [docker] path in try await docker.save(image, to: path) }.id
    }
}
