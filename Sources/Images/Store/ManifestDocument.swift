internal import OCI

/// A manifest or an index as a registry or layout has it (OCI image specification, manifest.md and image-index.md, and
/// Docker's image manifest version 2, schema 2).
enum ManifestDocument: Sendable {
    case manifest(ImageManifest)
    case index([IndexedManifest])

    /// Reads it; `mediaType` is what the registry or descriptor calls it, empty when it says nothing.
    ///
    /// A document must be one of the two and what it is called: of one that can be read both ways, two programs may
    /// see two images (CVE-2021-41190).
    init(_ bytes: [UInt8], mediaType: String) throws {
        let field = Field(try JSON(parsing: bytes))
        guard try field["schemaVersion"].integer(Int.self) == 2 else {
            throw ImageError(.invalid, "not of schema version 2; version 1 is not supported")
        }
        let own = try field["mediaType"].string() ?? ""
        let known = MediaType.manifests.union(MediaType.indexes)
        // Registries that know nothing of a file send it as text or bytes.
        let called = known.contains(mediaType) ? mediaType : own
        guard own.isEmpty || own == called else {
            throw ImageError(
                .invalid, "it calls itself \(own.debugDescription), and comes as \(called.debugDescription)")
        }
        let hasLayers = field["layers"].isPresent || field["config"].isPresent
        guard hasLayers != field["manifests"].isPresent else {
            throw ImageError(.invalid, "neither a manifest nor an index, or both")
        }
        guard called.isEmpty || MediaType.manifests.contains(called) == hasLayers else {
            throw ImageError(.invalid, "not what its type \(called.debugDescription) says")
        }
        self =
            hasLayers
            ? .manifest(try ImageManifest(field, mediaType: called))
            : .index(try field["manifests"].array(IndexedManifest.init))
    }
}

/// A manifest: which blobs an image is made of.
struct ImageManifest: Sendable {
    var mediaType: String
    var config: ContentDescriptor
    /// From the bottom up.
    var layers: [ContentDescriptor]

    /// Overlayfs takes 500; Docker makes 127 at most.
    static let layerLimit = 500

    init(config: ContentDescriptor, layers: [ContentDescriptor]) {
        mediaType = MediaType.manifest
        self.config = config
        self.layers = layers
    }

    fileprivate init(_ field: Field, mediaType: String) throws {
        self.mediaType = mediaType.isEmpty ? MediaType.manifest : mediaType
        config = try ContentDescriptor(field["config"])
        layers = try field["layers"].array(ContentDescriptor.init)
        guard layers.count <= Self.layerLimit else {
            throw ImageError(.invalid, "\(layers.count) layers; \(Self.layerLimit) can be used")
        }
        for layer in layers where !MediaType.isLayer(layer.mediaType) {
            throw ImageError(.invalid, "a layer of type \(layer.mediaType.debugDescription) cannot be used")
        }
    }

    /// The same in OCI's form, which is the only one that programs look for in an OCI image layout.
    var inOCIForm: ImageManifest {
        var config = config
        config.mediaType = MediaType.config
        let layers = layers.map { layer in
            var layer = layer
            layer.mediaType = MediaType.ociLayer(layer.mediaType)
            return layer
        }
        return ImageManifest(config: config, layers: layers)
    }

    /// The document, for an image that has none.
    var bytes: [UInt8] {
        JSON.object([
            .init("schemaVersion", .integer(2)), .init("mediaType", .string(mediaType)),
            .init("config", config.json), .init("layers", .array(layers.map(\.json))),
        ]).bytes
    }
}

/// One entry of an index.
struct IndexedManifest: Sendable {
    var descriptor: ContentDescriptor
    var platform: Platform?
    var annotations: [String: String]

    init(descriptor: ContentDescriptor, annotations: [String: String]) {
        self.descriptor = descriptor
        self.annotations = annotations
    }

    init(_ field: Field) throws {
        descriptor = try ContentDescriptor(field)
        if field["platform"].isPresent { platform = try Platform(field["platform"]) }
        annotations = Dictionary(try field["annotations"].dictionary().map { ($0.key, $0.value) }) { $1 }
    }
}
