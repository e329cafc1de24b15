internal import Linux
internal import Logging
internal import OCI

extension ImageStore {
    /// Removes what a crash left half made or half removed.
    func clear() throws {
        for name in try Files.names(in: layout.temporary) where !name.hasPrefix("partial-") {
            try DirectoryTree.remove("\(layout.temporary)/\(name)")
        }
    }

    /// Reads the images that the index names; those that are not whole are dropped.
    func loadImages() throws {
        let entries: [StoreIndex.Entry]
        do {
            entries = try StoreIndex.read(layout.index)
        } catch {
            // The names are lost; images can be pulled again, and a node that does not start helps nobody.
            logger.error("the image index cannot be read; all images are dropped", metadata: ["error": "\(error)"])
            entries = []
        }
        var known: [Digest: StoredManifest] = [:]
        var loaded = Catalog(pinned: settings.pinned)
        for entry in entries {
            do {
                let manifest = try known[entry.descriptor.digest] ?? storedManifest(entry.descriptor)
                known[entry.descriptor.digest] = manifest
                loaded.add(manifest, names: entry.name.map { [$0] } ?? [])
            } catch {
                logger.warning(
                    "an image is not whole and is dropped",
                    metadata: ["manifest": "\(entry.descriptor.digest)", "error": "\(error)"])
            }
        }
        try change { $0 = loaded }
    }

    /// The image of a manifest that is in the store. Throws when anything of it is missing.
    func storedManifest(_ descriptor: ContentDescriptor) throws -> StoredManifest {
        let bytes = try Files.read(layout.blob(descriptor.digest), limit: settings.documentLimit)
        guard case .manifest(let manifest) = try ManifestDocument(bytes, mediaType: descriptor.mediaType) else {
            throw ImageError(.invalid, "an index, not a manifest")
        }
        let config = try Files.read(layout.blob(manifest.config.digest), limit: settings.documentLimit)
        return try storedManifest(descriptor, manifest, config: config)
    }

    /// The same of a manifest and a configuration that are in memory.
    func storedManifest(
        _ descriptor: ContentDescriptor, _ manifest: ImageManifest, config: [UInt8]
    ) throws -> StoredManifest {
        let document = try ConfigurationDocument(config)
        let chain = Digest.chain(document.layers)
        guard chain.count == manifest.layers.count else {
            throw ImageError(.invalid, "\(manifest.layers.count) layers, and digests of \(chain.count)")
        }
        var size: UInt64 = 0
        for id in chain {
            guard let usage = layerUsage(id) else { throw ImageError(.notFound, "layer \(id) is missing") }
            size += usage.bytes
        }
        let layers = manifest.layers.map(\.digest)
        for digest in layers where !Files.exists(layout.blob(digest)) {
            throw ImageError(.notFound, "blob \(digest) is missing")
        }
        return StoredManifest(
            descriptor: descriptor, config: manifest.config.digest, layers: layers, chainIDs: chain,
            document: document, size: size)
    }

    /// What an unpacked layer takes; nil when there is no such layer.
    func layerUsage(_ chain: Digest) -> LayerUsage? {
        guard let bytes = try? Files.read("\(layout.layer(chain))/usage"), let json = try? JSON(parsing: bytes) else {
            return nil
        }
        let field = Field(json)
        guard let bytes = try? field["bytes"].integer(UInt64.self),
            let inodes = try? field["inodes"].integer(UInt64.self)
        else { return nil }
        return LayerUsage(bytes: bytes, inodes: inodes)
    }
}
