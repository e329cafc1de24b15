internal import Linux
internal import OCI

/// index.json of the store: an entry for each name of an image (OCI image specification, image-layout.md).
enum StoreIndex {
    /// The annotation that other programs take a name from.
    static let tagKey = "org.opencontainers.image.ref.name"
    /// Ours, for names that no other program would take.
    private static let digestKey = "io.fender.image.digest"

    struct Entry {
        var name: ImageName?
        var descriptor: ContentDescriptor
    }

    /// The entries; none when there is no file yet.
    static func read(_ path: String) throws -> [Entry] {
        guard Files.exists(path) else { return [] }
        return try Field(try JSON(parsing: try Files.read(path)))["manifests"].array { field in
            let entry = try IndexedManifest(field)
            let tag = entry.annotations[tagKey].map(ImageName.tag)
            return Entry(name: tag ?? entry.annotations[digestKey].map(ImageName.digest), descriptor: entry.descriptor)
        }
    }

    static func write(_ catalog: Catalog, to path: String) throws {
        let entries = catalog.entries.compactMap { entry -> JSON? in
            guard case .object(var members)? = catalog.manifests[entry.manifest]?.descriptor.json else { return nil }
            switch entry.name {
            case .tag(let name): members.append(annotation(tagKey, name))
            case .digest(let name): members.append(annotation(digestKey, name))
            case nil: break
            }
            return .object(members)
        }
        let document = JSON.object([
            .init("schemaVersion", .integer(2)), .init("mediaType", .string(MediaType.index)),
            .init("manifests", .array(entries)),
        ])
        try Files.replace(path, with: document.bytes)
    }

    private static func annotation(_ key: String, _ value: String) -> JSON.Member {
        .init("annotations", .object([.init(key, .string(value))]))
    }
}
