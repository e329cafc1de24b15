internal import Glibc
internal import Linux

extension ImageStore {
    /// Takes the images of an archive, a file or pipe: of `docker save` or an OCI image layout, compressed or not.
    ///
    /// `tags` (`REPOSITORY:TAG`, normalised) are given to the image of an archive of one, and `digests`
    /// (`REPOSITORY@DIGEST`) as well; without tags the names that the archive has are normalised by `normalize`, which
    /// answers nil for one that cannot be used. Throws ``ImageError`` or `CancellationError`; then no image is taken.
    public func importArchive(
        at path: String, tags: [String]? = nil, digests: [String] = [],
        normalize: @escaping @Sendable (String) -> String? = { $0 }
    ) async throws -> [StoredImage] {
        try await Cancellation.run { cancellation in
            try ImageError.naming("import \(path)") {
                let limits = ExpansionLimits(bytes: .max, factor: self.settings.expansionLimit)
                let spool = try ArchiveSpool(
                    try Descriptor.open(path, O_RDONLY), in: self.temporaryPath("import"), limits: limits, cancellation)
                let images = try spool.images(for: .host, limit: self.settings.documentLimit)
                guard images.count == 1 || tags == nil && digests.isEmpty else {
                    throw ImageError(.invalid, "\(images.count) images for the names of one")
                }
                let lease = Lease(self)
                let manifests = try images.map { try self.take($0, lease, cancellation) }
                let taken = try self.change { catalog in
                    for (image, manifest) in zip(images, manifests) {
                        let tags = tags ?? image.names.compactMap(normalize)
                        catalog.add(manifest, names: tags.map(ImageName.tag) + digests.map(ImageName.digest))
                    }
                    return manifests.compactMap { catalog.images["\($0.config)"] }
                }
                self.measure()
                return taken
            }
        }
    }

    /// Puts an archived image's blobs and layers into the store.
    private func take(
        _ image: ArchivedImage, _ lease: Lease, _ cancellation: Cancellation
    ) throws -> StoredManifest {
        let document = try ConfigurationDocument(image.config)
        guard document.layers.count == image.layers.count else {
            throw ImageError(.invalid, "\(image.layers.count) layers, and digests of \(document.layers.count)")
        }
        let chain = Digest.chain(document.layers)
        lease.add(chain)
        let layers = try zip(zip(chain, document.layers), image.layers).map { digests, layer in
            try take(layer, chain: digests.0, diffID: digests.1, lease, cancellation)
        }
        let config = ContentDescriptor(
            mediaType: MediaType.config, digest: Digest(of: image.config), size: Int64(image.config.count))
        let made = ImageManifest(config: config, layers: layers)
        let manifest = image.manifest ?? KeptManifest(made, made.bytes)
        lease.add([config.digest, manifest.descriptor.digest])
        try putBlob(image.config)
        try putBlob(manifest.bytes)
        return try storedManifest(manifest.descriptor, manifest.content, config: image.config)
    }

    /// The same of a layer; answers what a manifest says of it.
    private func take(
        _ layer: ArchivedLayer, chain: Digest, diffID: Digest, _ lease: Lease, _ cancellation: Cancellation
    ) throws -> ContentDescriptor {
        let hash = SHA256()
        var start: [UInt8] = []
        var size: Int64 = 0
        let read = { (next: (UnsafeRawBufferPointer) throws -> Void) in
            try Files.forEachChunk(layer.file) { chunk in
                try cancellation.check()
                hash.update(chunk)
                if start.count < 4 { start += chunk.prefix(4) }
                size += Int64(chunk.count)
                try next(chunk)
            }
        }
        if Files.exists(layout.layer(chain)) {
            try read { _ in }
        } else {
            try ImageError.naming("layer \(diffID)") {
                try unpackLayer(chain: chain, diffID: diffID) { decompressor in
                    try read { try decompressor.feed($0) }
                }
            }
        }
        let digest = hash.finish()
        guard layer.descriptor.map({ $0.digest == digest }) ?? true else {
            throw ImageError(.invalid, "a layer has digest \(digest)")
        }
        lease.add([digest])
        if link(layer.file, layout.blob(digest)) != 0 && errno != EEXIST {
            throw SystemError(call: "link", object: layout.blob(digest), code: errno)
        }
        let type = MediaType.layer + Decompressor.suffix(of: start)
        return layer.descriptor ?? ContentDescriptor(mediaType: type, digest: digest, size: size)
    }
}

extension Files {
    /// Calls `body` with one part of a file after the other.
    static func forEachChunk(_ path: String, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        let file = try Descriptor.open(path, O_RDONLY)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)
        defer { buffer.deallocate() }
        while case let count = try file.read(into: buffer), count > 0 {
            try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }
}
