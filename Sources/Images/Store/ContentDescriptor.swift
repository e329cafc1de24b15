internal import OCI

/// A reference to a blob (OCI image specification, descriptor.md).
struct ContentDescriptor: Sendable, Hashable {
    var mediaType: String
    var digest: Digest
    /// In bytes.
    var size: Int64

    init(mediaType: String, digest: Digest, size: Int64) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
    }

    init(_ field: Field) throws {
        mediaType = try field["mediaType"].string() ?? ""
        guard let digest = Digest(try field["digest"].required()) else {
            throw field["digest"].error("must be a sha256")
        }
        self.digest = digest
        guard let size = try field["size"].integer(Int64.self), size >= 0 else {
            throw field["size"].error("must be a size")
        }
        self.size = size
    }

    var json: JSON {
        .object([
            .init("mediaType", .string(mediaType)), .init("digest", .string("\(digest)")),
            .init("size", .integer(size)),
        ])
    }
}

/// Media types that we know.
enum MediaType {
    static let manifest = "application/vnd.oci.image.manifest.v1+json"
    static let index = "application/vnd.oci.image.index.v1+json"
    static let config = "application/vnd.oci.image.config.v1+json"
    static let layer = "application/vnd.oci.image.layer.v1.tar"
    static let dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
    static let dockerList = "application/vnd.docker.distribution.manifest.list.v2+json"
    static let dockerLayer = "application/vnd.docker.image.rootfs.diff.tar.gzip"

    static let manifests: Set = [manifest, dockerManifest]
    static let indexes: Set = [index, dockerList]

    /// OCI's name for a type of Docker's.
    static func ociLayer(_ type: String) -> String {
        guard type.hasPrefix("application/vnd.docker.") else { return type }
        if type.hasSuffix(".gzip") { return layer + "+gzip" }
        return type.hasSuffix("zstd") ? layer + "+zstd" : layer
    }

    /// Whether it is a layer that we can unpack; compression is told by the content.
    static func isLayer(_ type: String) -> Bool {
        let kinds = [
            layer, "application/vnd.oci.image.layer.nondistributable.v1.tar",
            "application/vnd.docker.image.rootfs.diff.tar", "application/vnd.docker.image.rootfs.foreign.diff.tar",
        ]
        return kinds.contains { kind in
            ["", "+gzip", "+zstd", ".gzip", ".zstd"].contains { type == kind + $0 }
        }
    }
}
