internal import Linux
internal import OCI

/// An image in an archive.
struct ArchivedImage: Sendable {
    /// As the archive has them.
    var names: [String]
    /// Nil where the archive has none, as Docker's own form.
    var manifest: KeptManifest?
    var config: [UInt8]
    var layers: [ArchivedLayer]
}

/// A layer in an archive.
struct ArchivedLayer: Sendable {
    var file: String
    /// What the manifest says of it; nil where there is none.
    var descriptor: ContentDescriptor?
}

extension ArchiveSpool {
    /// The images for `platform` that the archive has.
    func images(for platform: Platform, limit: Int) throws -> [ArchivedImage] {
        let images =
            has("oci-layout") && has("index.json")
            ? try layoutImages(platform, limit) : try dockerImages(limit)
        guard !images.isEmpty else {
            throw ImageError(.notFound, "the archive has no image for \(platform.os)/\(platform.architecture)")
        }
        return images
    }

    /// Of an OCI image layout.
    private func layoutImages(_ platform: Platform, _ limit: Int) throws -> [ArchivedImage] {
        let index = try ManifestDocument(
            try Files.read(try file("index.json"), limit: limit), mediaType: MediaType.index)
        guard case .index(let entries) = index else { return [] }
        return try entries.compactMap { entry in
            if let own = entry.platform, platform.fitness(of: own) == nil { return nil }
            let name = entry.annotations["io.containerd.image.name"] ?? entry.annotations[StoreIndex.tagKey]
            return try image(entry.descriptor, names: name.map { [$0] } ?? [], platform, limit, depth: 0)
        }
    }

    private func image(
        _ descriptor: ContentDescriptor, names: [String], _ platform: Platform, _ limit: Int, depth: Int
    ) throws -> ArchivedImage? {
        let bytes = try blob(descriptor, limit)
        switch try ManifestDocument(bytes, mediaType: descriptor.mediaType) {
        case .index(let entries):
            guard depth < 3, let best = entries.best(for: platform) else { return nil }
            return try image(best, names: names, platform, limit, depth: depth + 1)
        case .manifest(let manifest):
            let layers = try manifest.layers.map { layer in
                ArchivedLayer(file: try file("blobs/sha256/\(layer.digest.hex)"), descriptor: layer)
            }
            return ArchivedImage(
                names: names, manifest: KeptManifest(manifest, bytes), config: try blob(manifest.config, limit),
                layers: layers)
        }
    }

    private func blob(_ descriptor: ContentDescriptor, _ limit: Int) throws -> [UInt8] {
        let bytes = try Files.read(try file("blobs/sha256/\(descriptor.digest.hex)"), limit: limit)
        guard Digest(of: bytes) == descriptor.digest else {
            throw ImageError(.invalid, "blob \(descriptor.digest) has another digest")
        }
        return bytes
    }

    /// Of `docker save`.
    private func dockerImages(_ limit: Int) throws -> [ArchivedImage] {
        guard has("manifest.json") else {
            throw ImageError(.invalid, "neither an OCI image layout nor an archive of docker save")
        }
        return try Field(try JSON(parsing: try Files.read(try file("manifest.json"), limit: limit))).array { field in
            let layers = try field["Layers"].strings().map { ArchivedLayer(file: try file($0), descriptor: nil) }
            guard layers.count <= ImageManifest.layerLimit else { throw ImageError(.invalid, "too many layers") }
            return ArchivedImage(
                names: try field["RepoTags"].strings(),
                config: try Files.read(try file(try field["Config"].required()), limit: limit), layers: layers)
        }
    }
}

extension [IndexedManifest] {
    /// The manifest that fits best; what has no platform comes last, and what is for none (attestations) never.
    func best(for platform: Platform) -> ContentDescriptor? {
        compactMap { entry -> (Int, ContentDescriptor)? in
            guard let own = entry.platform else { return (-1, entry.descriptor) }
            return platform.fitness(of: own).map { ($0, entry.descriptor) }
        }.reduce(nil as (Int, ContentDescriptor)?) { best, next in
            best.map { $0.0 >= next.0 ? $0 : next } ?? next
        }?.1
    }
}
