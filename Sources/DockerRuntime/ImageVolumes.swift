internal import DockerEngine
internal import ImageRoot
internal import Linux
internal import Runtime

/// Image volumes for Docker below API 1.48: mounts of our own that containers bind.
///
/// Beside each mount stands a helper container that is never started: it keeps Docker from deleting the image's layers
/// while they are mounted, and its labels are all that is needed to mount them again after a reboot.
struct ImageVolumes: Sendable {
    let directory: String

    private static let kind = "image-volume"
    private static let owner = "io.fender.helper.owner"
    private static let subPath = "io.fender.helper.subpath"
    private static let target = "io.fender.helper.target"

    /// Mounts the image and answers the path to bind.
    func mount(
        _ image: ImageRecord, index: Int, subPath: String, owner: String, engine: DockerEngine
    ) async throws -> String {
        guard !image.layers.isEmpty else {
            throw RuntimeError(.unimplemented, "ImageVolumeMountFailed: Docker's storage has no layer directories")
        }
        let target = "\(directory)/\(owner)/\(index)"
        try await hold(image, name: "fender_\(owner)_\(index)", owner: owner, subPath: subPath, target: target, engine)
        return try await attach(layers: image.layers, target: target, subPath: subPath)
    }

    /// Mounts again what a reboot has unmounted, before the container starts.
    func restore(owner: String, engine: DockerEngine) async throws {
        if owner.isEmpty || Files.exists("\(directory)/\(owner)") { return }
        for helper in try await helpers(of: owner, engine) {
            let image = ImageReading(inspection: try await engine.inspectImage(helper.ImageID)).record()
            _ = try await attach(
                layers: image.layers, target: helper.Labels[Self.target] ?? "",
                subPath: helper.Labels[Self.subPath] ?? "")
        }
    }

    /// Unmounts a container's image volumes and lets go of the images.
    func release(owner: String, engine: DockerEngine) async {
        if owner.isEmpty || !Files.exists("\(directory)/\(owner)") { return }
        await detach("\(directory)/\(owner)")
        for helper in (try? await helpers(of: owner, engine)) ?? [] {
            try? await engine.removeContainer(helper.Id, force: true, volumes: true)
        }
    }

    /// Undoes the volumes of containers that are no more.
    func sweep(existing: Set<String>, engine: DockerEngine) async {
        for owner in (try? Files.names(in: directory)) ?? [] where !existing.contains(owner) {
            await detach("\(directory)/\(owner)")
        }
        for helper in (try? await helpers(of: nil, engine)) ?? []
        where !existing.contains(helper.Labels[Self.owner] ?? "") {
            try? await engine.removeContainer(helper.Id, force: true, volumes: true)
        }
    }

    private func hold(
        _ image: ImageRecord, name: String, owner: String, subPath: String, target: String, _ engine: DockerEngine
    ) async throws {
        var config = Docker.ContainerConfig()
        config.Image = image.id
        config.Entrypoint = ["/image-volume"]
        config.Labels = [
            DockerLabel.helper: Self.kind, Self.owner: owner, Self.subPath: subPath, Self.target: target,
        ]
        var host = Docker.HostConfig()
        host.NetworkMode = "none"
        let request = Docker.ContainerCreateRequest(config: config, HostConfig: host)
        do {
            _ = try await engine.createContainer(name: name, request)
        } catch let error where isConflict(error) {
            try? await engine.removeContainer(name, force: true, volumes: true)
            _ = try await engine.createContainer(name: name, request)
        }
    }

    private func helpers(of owner: String?, _ engine: DockerEngine) async throws -> [Docker.ContainerSummary] {
        var labels = ["\(DockerLabel.helper)=\(Self.kind)"]
        if let owner { labels.append("\(Self.owner)=\(owner)") }
        return try await engine.listContainers(all: true, filters: ["label": labels])
    }

    private func attach(layers: [String], target: String, subPath: String) async throws -> String {
        do {
            return try await DedicatedThread.run {
                try Files.makeDirectories(target, mode: 0o700)
                return try ImageVolumeMount.mount(layers: layers, at: target, subPath: subPath)
            }
        } catch let error as ImageRootError {
            let code: RuntimeError.Code = error.code == .failed ? .unknown : .invalidArgument
            throw RuntimeError(code, "ImageVolumeMountFailed: \(error)", cause: error)
        }
    }

    private func detach(_ owned: String) async {
        try? await DedicatedThread.run {
            for target in try ImageVolumeMount.leftovers(below: owned) { try ImageVolumeMount.unmount(target) }
            for index in try Files.names(in: owned) { try Files.removeDirectory("\(owned)/\(index)") }
            try Files.removeDirectory(owned)
        }
    }
}
