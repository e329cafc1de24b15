internal import CLinux
internal import Glibc
internal import Linux

/// An archive on its way from its transferred form to files: one thread decompresses, another reads the archive.
enum ArchivePipeline {
    /// Hands to `read`, on another thread, the archive that `feed` puts into the decompressor.
    ///
    /// Answers the digest of the whole archive as decompressed. Throws what either of the two throws. Blocks.
    static func run<Value: Sendable>(
        limits: ExpansionLimits, feed: (inout Decompressor) throws -> Void,
        read: @escaping @Sendable (TarStream) throws -> Value
    ) throws -> (digest: Digest, value: Value) {
        let pipe = ChunkPipe()
        let reader = try Background.start { try Self.read(pipe, read) }
        do {
            var decompressor = Decompressor(into: pipe, limits: limits)
            try feed(&decompressor)
            try decompressor.finish()
            pipe.finish()
        } catch {
            pipe.finish(throwing: error)
            // When it is the reader that gave up, it knows why.
            _ = try reader.join().get()
            throw error
        }
        return try reader.join().get()
    }

    private static func read<Value: Sendable>(
        _ pipe: ChunkPipe, _ body: (TarStream) throws -> Value
    ) throws -> (Digest, Value) {
        defer { pipe.abandon() }
        let hash = SHA256()
        let source = {
            let chunk = try pipe.next()
            if let chunk { hash.update(chunk) }
            return chunk
        }
        let value = try body(try TarStream(source))
        // The digest is of everything, also of what is behind the end of the archive.
        while try source() != nil {}
        return (hash.finish(), value)
    }
}

/// A layer on its way to a directory.
enum LayerUnpack {
    /// Unpacks into an existing, empty directory what `feed` puts into the decompressor.
    ///
    /// Throws ``ImageError``, `invalid` when the archive is not the one of which `diffID` is the digest. What has been
    /// written by then is the caller's to remove. Blocks.
    static func run(
        into directory: String, diffID: Digest, limits: ExpansionLimits,
        feed: (inout Decompressor) throws -> Void
    ) throws -> LayerUsage {
        let (found, usage) = try ArchivePipeline.run(limits: limits, feed: feed) { stream in
            // The file creation mask of this thread alone: what is made has the archive's modes.
            try system("unshare") { fender_unshare_directory() }
            umask(0)
            let writer = try LayerWriter(directory)
            while let entry = try stream.next() { try writer.write(entry, from: stream) }
            try writer.finish()
            return writer.usage
        }
        guard found == diffID else {
            throw ImageError(.invalid, "the layer's content has digest \(found) and should have \(diffID)")
        }
        return usage
    }
}
