internal import Glibc
internal import Linux

extension RegistryClient {
    private static let documents = [
        MediaType.index, MediaType.manifest, MediaType.dockerList, MediaType.dockerManifest,
    ]

    /// A manifest or index by tag or digest; what it is called, its digest and its bytes.
    func manifest(_ reference: String, limit: Int, _ cancellation: Cancellation) throws -> (ContentDescriptor, [UInt8])
    {
        var bytes: [UInt8] = []
        let headers = ["Accept: \(Self.documents.joined(separator: ", "))"]
        let head = try get("manifests/\(reference.percentEncoded)", headers: headers, cancellation) { _, part in
            guard bytes.count + part.count <= limit else {
                throw ImageError(.invalid, "the manifest is larger than \(limit) bytes")
            }
            bytes += part
        }
        let digest = Digest(of: bytes)
        for claim in [reference, head["docker-content-digest"]].compactMap({ $0 }).compactMap({ Digest($0) })
        where claim != digest {
            throw ImageError(.invalid, "the manifest has digest \(digest) and should have \(claim)")
        }
        let type = (head["content-type"] ?? "").prefix { $0 != ";" }.trimmed
        return (ContentDescriptor(mediaType: type, digest: digest, size: Int64(bytes.count)), bytes)
    }

    /// A small blob.
    func document(_ descriptor: ContentDescriptor, limit: Int, _ cancellation: Cancellation) throws -> [UInt8] {
        guard descriptor.size <= limit else {
            throw ImageError(.invalid, "the configuration is larger than \(limit) bytes")
        }
        var bytes: [UInt8] = []
        try get("blobs/\(descriptor.digest)", cancellation) { _, part in
            guard bytes.count + part.count <= descriptor.size else {
                throw ImageError(.invalid, "blob \(descriptor.digest) is larger than its \(descriptor.size) bytes")
            }
            bytes += part
        }
        guard Digest(of: bytes) == descriptor.digest else {
            throw ImageError(.invalid, "blob \(descriptor.digest) has another digest")
        }
        return bytes
    }
}

/// A large blob on its way into a file, from the beginning or from where an earlier attempt ended.
///
/// For one thread.
final class BlobFetch {
    private let descriptor: ContentDescriptor
    private let path: String
    private let file: Descriptor
    private let hash = SHA256()
    /// Bytes that are in the file, hashed, and handed on.
    private var position: Int64 = 0

    /// Fetches into the file at `path`, which nobody else may write.
    init(_ descriptor: ContentDescriptor, into path: String) throws {
        self.descriptor = descriptor
        self.path = path
        file = try Descriptor.open(path, O_RDWR | O_CREAT, mode: 0o600)
    }

    /// Fetches what is missing; all bytes go to `sink` in their order, those that were there already too.
    ///
    /// When a connection breaks off, goes on from there, as long as something comes. Throws `invalid` for a blob that is
    /// not what its descriptor says.
    func run(
        from client: RegistryClient, attempts: Int, _ cancellation: Cancellation,
        _ sink: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        try readBack(cancellation, sink)
        var failures = 0
        while position < descriptor.size {
            let before = position
            do {
                try request(client, cancellation, sink)
            } catch let error as HTTPError {
                failures = position > before ? 1 : failures + 1
                guard failures < attempts, !error.isUnreachable else { throw error }
                try cancellation.sleep(milliseconds: RetryDelay(attempt: failures).milliseconds ?? 0)
            }
        }
        guard hash.finish() == descriptor.digest else {
            throw ImageError(.invalid, "blob \(descriptor.digest) has another digest")
        }
    }

    private func readBack(_ cancellation: Cancellation, _ sink: (UnsafeRawBufferPointer) throws -> Void) throws {
        try Files.forEachChunk(path) { bytes in
            try cancellation.check()
            try take(bytes, sink, isNew: false)
        }
    }

    private func request(
        _ client: RegistryClient, _ cancellation: Cancellation, _ sink: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let headers = position > 0 ? ["Range: bytes=\(position)-"] : []
        let before = position
        var skipped: Int64?
        try client.get("blobs/\(descriptor.digest)", headers: headers, success: [200, 206], cancellation) {
            head, bytes in
            if skipped == nil { skipped = try skip(head) }
            // A server that knows no ranges sends all again.
            let drop = Int(min(skipped ?? 0, Int64(bytes.count)))
            skipped = (skipped ?? 0) - Int64(drop)
            try take(UnsafeRawBufferPointer(rebasing: bytes[drop...]), sink, isNew: true)
        }
        guard position < descriptor.size else { return }
        if position == before {
            throw HTTPError(description: "the registry sends nothing of blob \(descriptor.digest)")
        }
        throw HTTPError(description: "the registry ends blob \(descriptor.digest) early")
    }

    /// How many bytes of an answer are in the file already.
    private func skip(_ head: HTTPHead) throws -> Int64 {
        guard head.status == 206 else { return position }
        let start = head["content-range"]?.split(separator: " ").last?.split(separator: "-").first.flatMap { Int64($0) }
        guard start == position else {
            throw ImageError(.failed, "the registry sends another part than it was asked for")
        }
        return 0
    }

    private func take(
        _ bytes: UnsafeRawBufferPointer, _ sink: (UnsafeRawBufferPointer) throws -> Void, isNew: Bool
    ) throws {
        guard !bytes.isEmpty else { return }
        guard position + Int64(bytes.count) <= descriptor.size else {
            throw ImageError(.invalid, "blob \(descriptor.digest) is larger than its \(descriptor.size) bytes")
        }
        if isNew { try file.writeAll(bytes, at: position) }
        hash.update(bytes)
        position += Int64(bytes.count)
        try sink(bytes)
    }
}
