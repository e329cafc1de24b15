internal import BackEnd
public import CRI
internal import Images
internal import Linux
internal import Logging
internal import Pause
public import Runtime

/// The ImageService's calls.
extension NativeRuntime {
    /// `PullImage`: ends with its caller; what was fetched is kept.
    public func pullImage(
        _ image: ImageSpec, auth: AuthConfig?, sandboxConfig: PodSandboxConfig?
    ) async throws -> String {
        guard let reference = ImageReference(image.image) else {
            throw RuntimeError(.invalidArgument, "pull image \(image.image): not an image reference")
        }
        return try await doing("pull image \(image.image)") {
            let stored = try await images.pull(
                PullSource(reference), credentials: try auth?.login().map(RegistryCredentials.init))
            let ticket = world.ticket()
            refreshImages(ticket)
            return stored.id
        }
    }

    /// `RemoveImage`: with all its names; layers that containers use stay until they are removed.
    public func removeImage(_ image: ImageRecord) async throws {
        try await doing("remove image \(image.id)") {
            let ticket = world.ticket()
            try await DedicatedThread.run { [images] in try images.remove(id: image.id) }
            world.removeImage(image.id, ticket)
        }
    }

    /// Takes all images as they are now into the World: a name that moved has left another image.
    func refreshImages(_ ticket: Ticket) {
        let all = images.images()
        for stored in all {
            do { try world.put(ImageRecord(stored, layers: images.layers(of: stored)), ticket) } catch {
                logger.error("take in image", metadata: ["id": "\(stored.id)", "error": "\(error)"])
            }
        }
        for id in world.missing(images: Set(all.map(\.id)), ticket) { world.removeImage(id, ticket) }
    }

    /// Takes an image that another store has, in the form of `docker save`, under those of its names that no image here
    /// has. Who asks for the same at the same time waits for one.
    public func take(
        _ image: ImageRecord, save: @escaping @Sendable (_ path: String) async throws -> Void
    ) async throws -> ImageRecord {
        let id = try await operations.run("take/\(image.id)") { [self] in
            try await doing("take over image \(image.id)") {
                let path = images.temporaryPath("taken")
                defer { try? Files.remove(path) }
                try await save(path)
                let isFree = { (name: String) in self.world.image(name) == nil }
                let taken = try await images.importArchive(
                    at: path, tags: image.image.repoTags.compactMap(Self.fullName).filter(isFree),
                    digests: image.image.repoDigests.compactMap(Self.fullName).filter(isFree))
                refreshImages(world.ticket())
                guard let first = taken.first else { throw RuntimeError(.unknown, "the archive has no image") }
                return first.id
            }
        }
        guard let record = world.image(id) else { throw RuntimeError(.notFound, "image \(id): removed meanwhile") }
        return record
    }

    private static func fullName(_ name: String) -> String? { ImageReference(name)?.description }

    /// The built-in pause image, which is there from the start.
    func importPause() async throws {
        if images.image(id: PauseImage.id()) == nil {
            let path = "\(settings.nativeState)/pause.tar.gz"
            try Files.replace(path, with: PauseImage.archive(), isDurable: false)
            defer { try? Files.remove(path) }
            _ = try await images.importArchive(at: path)
        }
    }

    /// The pause program's root file system.
    func pauseRoot() throws -> String {
        guard let image = images.image(id: PauseImage.id()), let layer = images.layers(of: image).first else {
            throw RuntimeError(.internalError, "the built-in pause image is not in the store")
        }
        // A mount point: root of a user namespace could not make it.
        try Files.makeDirectories("\(layer)/dev")
        return layer
    }

    /// Usage of the file system that holds images and containers.
    public func imageFsInfo() async throws -> ImageFsInfoResponse {
        let usage = images.usage()
        var filesystem = FilesystemUsage()
        filesystem.timestamp = nanosecondsNow()
        filesystem.fsID.mountpoint = images.directory
        filesystem.usedBytes.value = usage.bytes
        filesystem.inodesUsed.value = usage.inodes
        var response = ImageFsInfoResponse()
        response.imageFilesystems = [filesystem]
        response.containerFilesystems = [filesystem]
        return response
    }
}

extension ImageRecord {
    init(_ stored: StoredImage, layers: [String]) {
        var image = Image()
        image.id = stored.id
        image.repoTags = stored.repoTags
        image.repoDigests = stored.repoDigests
        image.size = stored.size
        image.pinned = stored.isPinned
        image.setUser(stored.configuration.user)
        image.spec.image = stored.id
        self.init(
            image: image, createdAt: RFC3339.nanoseconds(stored.created) ?? 0, labels: stored.configuration.labels,
            user: stored.configuration.user,
            stopSignal: stored.configuration.stopSignal,
            hasCommand: !stored.configuration.entrypoint.isEmpty || !stored.configuration.cmd.isEmpty, layers: layers)
    }
}

extension RegistryCredentials {
    init(_ login: RegistryLogin) {
        switch login {
        case .identityToken(let token): self = .identityToken(token)
        case .registryToken(let token): self = .registryToken(token)
        case .password(let user, let password): self = .password(user: user, password: password)
        }
    }
}

extension PullSource {
    init(_ reference: ImageReference) {
        self.init(
            registry: reference.domain, repository: reference.path,
            tag: reference.tag, digest: reference.digest)
    }
}
