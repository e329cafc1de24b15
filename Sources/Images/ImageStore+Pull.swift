internal import Glibc
internal import Linux
internal import Logging

extension ImageStore {
    /// Pulls an image. Calls for the same thing with the same credentials while one runs share it; it ends when the last
    /// of them is cancelled.
    ///
    /// Throws ``ImageError`` or `CancellationError`. What has arrived by then serves the next attempt.
    public func pull(_ source: PullSource, credentials: RegistryCredentials? = nil) async throws -> StoredImage {
        try await pullFlights.run(PullKey(source: source, credentials: credentials)) {
            do {
                return try await self.pullOnce(source, credentials)
            } catch let error as CancellationError {
                throw error
            } catch {
                throw ImageError("pull \(source.name) \(source.reference)", error)
            }
        }
    }

    private func pullOnce(_ source: PullSource, _ credentials: RegistryCredentials?) async throws -> StoredImage {
        let begin = ContinuousClock.now
        let lease = Lease(self)
        let found = try await Cancellation.run { cancellation in
            let found = try self.resolve(source, credentials, cancellation)
            lease.add(found.manifest.content.layers.map(\.digest) + Digest.chain(found.document.layers))
            lease.add([found.manifest.descriptor.digest, found.manifest.content.config.digest])
            return found
        }
        try await fetchLayers(of: found, lease)
        let image = try await Cancellation.run { _ in try self.keep(found, source) }
        withExtendedLifetime(lease) {}
        logger.info(
            "an image is pulled",
            metadata: [
                "image": "\(source.name)", "reference": "\(source.reference)", "id": "\(image.id)",
                "bytes": "\(found.manifest.content.layers.reduce(0) { $0 + $1.size })",
                "duration": "\(begin.duration(to: .now))",
            ])
        return image
    }

    /// Makes all layers of an image be there, several at a time.
    private func fetchLayers(of image: ResolvedImage, _ lease: Lease) async throws {
        let chain = Digest.chain(image.document.layers)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, layer) in image.manifest.content.layers.enumerated() {
                if index >= settings.parallelLayers { try await group.next() }
                let wanted = WantedLayer(descriptor: layer, chain: chain[index], diffID: image.document.layers[index])
                group.addTask { try await self.fetch(wanted, from: image.client, lease) }
            }
            try await group.waitForAll()
        }
    }

    /// Makes a layer be there, together with others who want it.
    private func fetch(_ layer: WantedLayer, from client: RegistryClient, _ lease: Lease) async throws {
        // Who shares another's work may find that it was about another place of the same blob.
        while !has(layer) {
            try await layerFlights.run(layer.descriptor.digest) {
                try await Cancellation.run { cancellation in
                    try ImageError.naming("layer \(layer.descriptor.digest)") {
                        try self.fetch(layer, from: client, cancellation)
                    }
                }
                withExtendedLifetime(lease) {}
            }
        }
    }

    private func has(_ layer: WantedLayer) -> Bool {
        Files.exists(layout.layer(layer.chain)) && Files.exists(layout.blob(layer.descriptor.digest))
    }

    private func fetch(_ layer: WantedLayer, from client: RegistryClient, _ cancellation: Cancellation) throws {
        if has(layer) { return }
        let blob = layout.blob(layer.descriptor.digest)
        if Files.exists(blob) {
            return try unpackLayer(chain: layer.chain, diffID: layer.diffID) { decompressor in
                try Files.forEachChunk(blob) { bytes in
                    try cancellation.check()
                    try decompressor.feed(bytes)
                }
            }
        }
        let partial = layout.partial(layer.descriptor.digest)
        let fetch = try BlobFetch(layer.descriptor, into: partial)
        do {
            if Files.exists(layout.layer(layer.chain)) {
                try fetch.run(from: client, attempts: settings.attempts, cancellation) { _ in }
            } else {
                try unpackLayer(chain: layer.chain, diffID: layer.diffID) { decompressor in
                    try fetch.run(from: client, attempts: settings.attempts, cancellation) { try decompressor.feed($0) }
                }
            }
        } catch {
            // Going on with it would fail again, or it takes the space that is wanted.
            if [.invalid, .noSpace].contains(ImageError.code(of: error)) { unlink(partial) }
            throw error
        }
        try system("rename", blob) { rename(partial, blob) }
    }

    /// Puts the documents of an image into the store, and the image into the index.
    private func keep(_ found: ResolvedImage, _ source: PullSource) throws -> StoredImage {
        try putBlob(found.config)
        try putBlob(found.manifest.bytes)
        let manifest = try storedManifest(found.manifest.descriptor, found.manifest.content, config: found.config)
        var names = [ImageName.digest("\(source.name)@\(found.digest)")]
        // With both, the digest decides, and the tag can be another image's by now.
        if source.digest == nil { names.append(.tag("\(source.name):\(source.reference)")) }
        let image = try change { catalog in
            catalog.add(manifest, names: names)
            return catalog.images["\(manifest.config)"]
        }
        measure()
        return image ?? StoredImage(manifest)
    }
}

/// A layer that an image needs.
struct WantedLayer: Sendable {
    /// The blob as transferred.
    var descriptor: ContentDescriptor
    var chain: Digest
    /// The digest of the archive in it.
    var diffID: Digest
}

/// What makes two pulls the same.
struct PullKey: Hashable, Sendable {
    var source: PullSource
    /// Who may not pull must not have the result of one who may.
    var credentials: RegistryCredentials?
}
