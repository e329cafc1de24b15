/// A name that an image goes by.
enum ImageName: Sendable, Hashable {
    /// With a tag, such as `docker.io/library/busybox:latest`; one image has it at a time.
    case tag(String)
    /// With the digest of a manifest or index, such as `docker.io/library/busybox@sha256:…`.
    case digest(String)
}

/// A manifest whose blobs and layers are all in the store.
struct StoredManifest: Sendable {
    var descriptor: ContentDescriptor
    var config: Digest
    /// The blobs of its layers, from the bottom up.
    var layers: [Digest]
    var chainIDs: [Digest]
    var document: ConfigurationDocument
    /// Bytes of its unpacked layers.
    var size: UInt64

    /// Every blob that it needs, itself among them.
    var blobs: [Digest] { [descriptor.digest, config] + layers }
}

/// Which images there are: what index.json says, and what follows from it.
struct Catalog: Sendable {
    struct Entry: Sendable {
        /// Nil for an image that nobody named.
        var name: ImageName?
        var manifest: Digest
    }

    private(set) var entries: [Entry] = []
    private(set) var manifests: [Digest: StoredManifest] = [:]
    private(set) var images: [String: StoredImage] = [:]
    private let pinned: Set<String>

    init(pinned: Set<String> = []) {
        self.pinned = pinned
    }

    /// Adds an image under its names, taking each away from another image that has it.
    mutating func add(_ manifest: StoredManifest, names: [ImageName]) {
        let digest = manifest.descriptor.digest
        manifests[digest] = manifest
        entries.removeAll { entry in entry.name.map(names.contains) ?? (entry.manifest == digest) }
        let isNamed = entries.contains { $0.manifest == digest }
        entries += names.map { Entry(name: $0, manifest: digest) }
        if names.isEmpty && !isNamed { entries.append(Entry(name: nil, manifest: digest)) }
        settle()
    }

    /// Takes an image away with all its names; one that is not there is fine.
    mutating func remove(id: String) {
        entries.removeAll { manifests[$0.manifest].map { "\($0.config)" == id } ?? false }
        settle()
    }

    /// Works out what follows from the entries.
    private mutating func settle() {
        let used = Set(entries.map(\.manifest))
        manifests = manifests.filter { used.contains($0.key) }
        images = [:]
        for entry in entries {
            guard let manifest = manifests[entry.manifest] else { continue }
            let id = "\(manifest.config)"
            var image = images[id] ?? StoredImage(manifest)
            switch entry.name {
            case .tag(let name):
                image.repoTags.append(name)
                if pinned.contains(name) { image.isPinned = true }
            case .digest(let name): image.repoDigests.append(name)
            case nil: break
            }
            images[id] = image
        }
        for id in images.keys {
            images[id]?.repoTags.sort()
            images[id]?.repoDigests.sort()
        }
    }
}

extension StoredImage {
    /// An image without names.
    init(_ manifest: StoredManifest) {
        self.init(
            id: "\(manifest.config)", repoTags: [], repoDigests: [], size: manifest.size,
            created: manifest.document.created, configuration: manifest.document.configuration,
            chainIDs: manifest.chainIDs.map(\.description), isPinned: false)
    }
}
