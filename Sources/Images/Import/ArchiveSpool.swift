internal import Glibc
internal import Linux

/// The files of an image archive, put down in a directory under names of ours.
final class ArchiveSpool: Sendable {
    private let directory: String
    /// Where the file of each path is.
    private let files: [String: String]

    /// Archives of images have a handful of files for each layer.
    private static let entryLimit = 100_000

    /// Reads the archive; what is put down goes with this value. Blocks.
    init(_ archive: borrowing Descriptor, in directory: String, limits: ExpansionLimits, _ cancellation: Cancellation)
        throws
    {
        self.directory = directory
        try Files.makeDirectories(directory, mode: 0o700)
        do {
            var buffer = [UInt8](repeating: 0, count: 256 << 10)
            (_, files) = try ArchivePipeline.run(limits: limits) { decompressor in
                try buffer.withUnsafeMutableBytes { buffer in
                    while case let count = try archive.read(into: buffer), count > 0 {
                        try cancellation.check()
                        try decompressor.feed(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                    }
                }
            } read: { stream in
                try Self.spool(stream, into: directory)
            }
        } catch {
            try? DirectoryTree.remove(directory)
            throw error
        }
    }

    deinit {
        try? DirectoryTree.remove(directory)
    }

    /// Where the file is that the archive has at a path.
    func file(_ path: String) throws -> String {
        guard let file = files[try LayerPath(path).whole] else {
            throw ImageError(.invalid, "the archive has no \(path.debugDescription)")
        }
        return file
    }

    func has(_ path: String) -> Bool { files[path] != nil }

    private static func spool(_ stream: TarStream, into directory: String) throws -> [String: String] {
        var files: [String: String] = [:]
        var links: [(path: String, target: String)] = []
        while let entry = try stream.next() {
            guard files.count + links.count < entryLimit else { throw ImageError(.invalid, "too many files") }
            let path = try LayerPath(entry.path)
            switch entry.kind {
            case .file:
                let place = "\(directory)/\(files.count)"
                try write(stream, to: place)
                files[path.whole] = place
            case .link(let target): links.append((path.whole, try LayerPath(target).whole))
            // Docker writes a layer that stands twice as a link to the first.
            case .symbolicLink(let target): links.append((path.whole, try LayerPath("\(path.parent)/\(target)").whole))
            default: break
            }
        }
        for (path, target) in links where files[path] == nil { files[path] = files[target] }
        return files
    }

    private static func write(_ stream: TarStream, to path: String) throws {
        let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        while let (bytes, offset) = try stream.content() { try file.writeAll(bytes, at: offset) }
    }
}
