internal import Glibc
internal import Linux
internal import Logging

/// What a source was found to be.
struct ResolvedImage: Sendable {
    /// Where the layers come from.
    var client: RegistryClient
    /// The digest of what the registry has under the name: a manifest or an index.
    var digest: Digest
    var manifest: KeptManifest
    var config: [UInt8]
    var document: ConfigurationDocument
}

/// A manifest as the store keeps it: as it came, unless it is in Docker's form.
struct KeptManifest: Sendable {
    var content: ImageManifest
    var bytes: [UInt8]
    var descriptor: ContentDescriptor

    init(_ manifest: ImageManifest, _ original: [UInt8]) {
        let isOurs = manifest.mediaType == MediaType.manifest
        content = isOurs ? manifest : manifest.inOCIForm
        bytes = isOurs ? original : content.bytes
        descriptor = ContentDescriptor(
            mediaType: MediaType.manifest, digest: Digest(of: bytes), size: Int64(bytes.count))
    }
}

extension ImageStore {
    /// Asks the registry, or its mirrors one after the other, what a source is; every pull does, since only the
    /// registry knows who may have it.
    func resolve(_ source: PullSource, _ credentials: RegistryCredentials?, _ cancellation: Cancellation) throws
        -> ResolvedImage
    {
        if let digest = source.digest, Digest(digest) == nil {
            throw ImageError(.invalid, "\(digest.prefix(100).debugDescription) is no sha256")
        }
        var failure = ImageError(.registryUnavailable, "no host serves \(source.registry)")
        for host in try RegistryHosts(settings.registryDirectory).hosts(of: source.registry) {
            guard host.resolves || source.digest != nil else { continue }
            do {
                let client = RegistryClient(
                    host, repository: source.repository, credentials: credentials, settings: settings, logger: logger)
                return try resolve(source, client, cancellation)
            } catch let error as HTTPError {
                failure = ImageError(.registryUnavailable, "\(error)")
            } catch let error as ImageError where error.code != .noSpace {
                failure = error
            }
            if host.mirrored != nil {
                logger.info(
                    "a mirror cannot serve an image", metadata: ["host": "\(host.base)", "error": "\(failure)"])
            }
        }
        throw failure
    }

    private func resolve(
        _ source: PullSource, _ client: RegistryClient, _ cancellation: Cancellation
    ) throws -> ResolvedImage {
        let limit = settings.documentLimit
        let (root, rootBytes) = try client.manifest(source.reference, limit: limit, cancellation)
        var (descriptor, bytes) = (root, rootBytes)
        var depth = 0
        while true {
            switch try ManifestDocument(bytes, mediaType: descriptor.mediaType) {
            case .manifest(let manifest):
                let config = try stored(manifest.config) ?? client.document(manifest.config, limit: limit, cancellation)
                return ResolvedImage(
                    client: client, digest: root.digest, manifest: KeptManifest(manifest, bytes),
                    config: config, document: try document(config, manifest))
            case .index(let entries):
                depth += 1
                guard depth < 4, let best = entries.best(for: .host) else {
                    throw ImageError(.notFound, "no image for \(Platform.host.os)/\(Platform.host.architecture)")
                }
                let found = try stored(best).map { (best, $0) }
                (descriptor, bytes) = try found ?? client.manifest("\(best.digest)", limit: limit, cancellation)
                if descriptor.size != best.size {
                    throw ImageError(.invalid, "a manifest is not of the size it should be")
                }
            }
        }
    }

    /// A configuration that goes with the manifest, of an image that can run here.
    private func document(_ bytes: [UInt8], _ manifest: ImageManifest) throws -> ConfigurationDocument {
        let document = try ConfigurationDocument(bytes)
        guard document.layers.count == manifest.layers.count else {
            throw ImageError(.invalid, "\(manifest.layers.count) layers, and digests of \(document.layers.count)")
        }
        let os = document.configuration.os
        guard os.isEmpty || os == "linux" else {
            throw ImageError(.invalid, "an image for \(os.prefix(100).debugDescription)")
        }
        return document
    }

    /// A document that is in the store already.
    private func stored(_ descriptor: ContentDescriptor) throws -> [UInt8]? {
        let path = layout.blob(descriptor.digest)
        return Files.exists(path) ? try Files.read(path, limit: settings.documentLimit) : nil
    }
}
