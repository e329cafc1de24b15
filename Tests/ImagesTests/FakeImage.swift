import OCI

@testable import Images

/// An image as a registry serves it, as `app:1`.
struct FakeImage {
    var manifest: [UInt8]
    var config: [UInt8]
    var layers: [[UInt8]]
    var manifestType = MediaType.manifest

    var id: String { "\(Digest(of: config))" }
    var digest: String { "\(Digest(of: manifest))" }

    /// Of layers as transferred, and as unpacked where they are compressed.
    init(_ layers: [[UInt8]], unpacked: [[UInt8]]? = nil, type: String = MediaType.layer) {
        self.layers = layers
        let digests = (unpacked ?? layers).map { JSON.string("\(Digest(of: $0))") }
        config =
            JSON.object([
                .init("architecture", .string(Platform.host.architecture)), .init("os", .string("linux")),
                .init("rootfs", .object([.init("type", .string("layers")), .init("diff_ids", .array(digests))])),
            ]).bytes
        let descriptors = layers.map {
            ContentDescriptor(mediaType: type, digest: Digest(of: $0), size: Int64($0.count))
        }
        manifest =
            ImageManifest(
                config: ContentDescriptor(
                    mediaType: MediaType.config, digest: Digest(of: config), size: Int64(config.count)),
                layers: descriptors
            ).bytes
    }

    /// A single layer with one file.
    init(file: String, _ content: String) {
        var tar = TarBuilder()
        tar.file(file, content)
        self.init([tar.archive])
    }

    /// What a registry answers for a path; 404 for what is not of this image.
    func response(_ request: FakeRegistry.Request) -> FakeRegistry.Response {
        let path = request.path.prefix { $0 != "?" }
        if ["/v2/app/manifests/1", "/v2/app/manifests/latest", "/v2/app/manifests/\(digest)"].contains(
            path.removingEscapes)
        {
            return .init(headers: ["Content-Type: \(manifestType)"], body: manifest)
        }
        for blob in layers + [config] where path == "/v2/app/blobs/\(Digest(of: blob))" {
            guard let start = request.rangeStart else { return .init(body: blob) }
            return .init(
                status: 206, headers: ["Content-Range: bytes \(start)-\(blob.count - 1)/\(blob.count)"],
                body: Array(blob[start...]))
        }
        return .status(404)
    }
}

extension Substring {
    fileprivate var removingEscapes: String { split(separator: "%3A").joined(separator: ":") }
}
