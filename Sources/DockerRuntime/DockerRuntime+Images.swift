internal import BackEnd
public import CRI
internal import DockerEngine
internal import FoundationEssentials
internal import Glibc
internal import Linux
public import Runtime

/// The ImageService's calls that reach Docker.
extension DockerRuntime {
    /// The image of that name: from the World or, when it may have come behind our back just now, from Docker.
    func image(named name: String) async throws -> ImageRecord? {
        if let known = world.image(name) { return known }
        return try await refreshImage(name)
    }

    /// `PullImage`: ends with its caller; Docker keeps the layers that are complete.
    public func pullImage(
        _ image: ImageSpec, auth: AuthConfig?, sandboxConfig: PodSandboxConfig?
    ) async throws -> String {
        _ = try node()
        guard let reference = ImageReference(image.image) else {
            throw RuntimeError(.invalidArgument, "pull image \(image.image): not an image reference")
        }
        do {
            let stream = try await engine.pullImage(
                reference.repository, tag: reference.digest ?? reference.tag ?? "latest",
                auth: try auth.flatMap { try RegistryCredentials(from: $0)?.docker })
            try await PullProgress(reference: reference, deadline: settings.pullProgressDeadline, logger: logger)
                .follow(stream)
        } catch {
            throw Self.pullError(error, reference)
        }
        return try await doing("pull image \(reference)") {
            guard let record = try await refreshImage(reference.description) else {
                throw RuntimeError(.unknown, "Docker does not show it after the pull")
            }
            return record.id
        }
    }

    /// The kubelet reads the beginning of the message.
    private static func pullError(_ error: any Error, _ reference: ImageReference) -> any Error {
        guard let docker = error as? DockerError else { return runtimeError(error, "pull image \(reference)") }
        let text = docker.message.lowercased()
        let unreachable = [
            "connection refused", "no such host", "i/o timeout", "no route to host", "network is unreachable",
            "502 bad",
            "503 service", "504 gateway", "tls handshake timeout", "received unexpected http status: 5",
        ]
        if docker.kind != .unavailable && unreachable.contains(where: text.contains) {
            return RuntimeError(
                .unknown, "RegistryUnavailable: pull image \(reference): \(docker.message)", cause: error)
        }
        if text.contains("signature") || text.contains("remote trust data") {
            return RuntimeError(
                .unknown, "SignatureValidationFailed: pull image \(reference): \(docker.message)", cause: error)
        }
        if docker.kind == .notFound || text.contains("not found") || text.contains("manifest unknown") {
            return RuntimeError(.notFound, "pull image \(reference): \(docker.message)", cause: error)
        }
        return runtimeError(error, "pull image \(reference)")
    }

    /// Writes an image to a new file, as `docker save` does.
    public func save(_ image: ImageRecord, to path: String) async throws {
        _ = try node()
        try await doing("save image \(image.id)") {
            let file = SavedImage(try Descriptor.open(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600))
            var waiting: [UInt8] = []
            try await engine.saveImages([image.id], deadline: nil) { piece in
                waiting += piece
                guard waiting.count >= SavedImage.blockSize else { return }
                try await file.append(waiting)
                waiting.removeAll(keepingCapacity: true)
            }
            try await file.append(waiting)
        }
    }

    /// `RemoveImage`: every tag in every repository, then the image.
    public func removeImage(_ image: ImageRecord) async throws {
        _ = try node()
        try await operations.complete("remove/\(image.id)") { [self] in
            try await doing("remove image \(image.id)") {
                // Untagging the last name deletes the image; without names the id does.
                for name in image.image.repoTags + image.image.repoDigests + [image.id] {
                    do {
                        _ = try await engine.removeImage(name)
                    } catch let error where isNotFound(error) {}
                }
                _ = try await refreshImage(image.id)
            }
        }
    }

    /// `ImageFsInfo`: Docker keeps images and writable layers in one file system.
    public func imageFsInfo() async throws -> ImageFsInfoResponse {
        let node = try node()
        let root = node.info.DockerRootDir
        let used = await usage.read(engine: engine, root: root, images: world.images.reduce(0) { $0 + $1.image.size })
        var response = ImageFsInfoResponse()
        response.imageFilesystems = [Self.usage(root, bytes: used.images, inodes: used.inodes)]
        response.containerFilesystems = [Self.usage(root, bytes: used.containers, inodes: used.inodes)]
        return response
    }

    private static func usage(_ mountpoint: String, bytes: UInt64, inodes: UInt64) -> FilesystemUsage {
        var usage = FilesystemUsage()
        usage.timestamp = nanosecondsNow()
        usage.fsID.mountpoint = mountpoint
        usage.usedBytes.value = bytes
        usage.inodesUsed.value = inodes
        return usage
    }
}

/// A file that an image is written to. The disk may take its time, which is no time of the cooperative pool's.
private final class SavedImage: Sendable {
    /// Bytes to write at a time: a thread is made for each.
    static let blockSize = 8 << 20

    private let file: Descriptor

    init(_ file: consuming Descriptor) { self.file = file }

    func append(_ bytes: [UInt8]) async throws {
        try await DedicatedThread.run { try bytes.withUnsafeBytes { try self.file.writeAll($0) } }
    }
}
