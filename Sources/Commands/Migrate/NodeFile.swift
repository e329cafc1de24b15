internal import Glibc
internal import Linux

/// A file of the node as it is: all that is needed to put it back.
struct NodeFile: Equatable {
    /// Where it is on the node, links followed.
    var path: String
    var bytes: [UInt8]
    /// Permission bits.
    var mode: UInt32
    var owner: UInt32
    var group: UInt32

    var text: String { String(decoding: bytes, as: UTF8.self) }
}

extension Node {
    /// A file with its mode and owner; nil where there is none. Throws ``MigrationError`` for what is no readable file.
    func file(_ path: String) throws -> NodeFile? {
        let path = try resolved(path)
        do {
            let descriptor = try Descriptor.open(root + path, O_RDONLY | O_NONBLOCK)
            let status = try descriptor.status()
            guard status.st_mode & S_IFMT == S_IFREG else { throw MigrationError("\(path) is no file") }
            let bytes = try Files.read(descriptor, limit: 1 << 20, name: path)
            return NodeFile(
                path: path, bytes: bytes, mode: status.st_mode & 0o7777, owner: status.st_uid, group: status.st_gid)
        } catch let error as SystemError where error.code == ENOENT || error.code == ENOTDIR {
            return nil
        } catch let error as SystemError {
            throw MigrationError("\(error)")
        }
    }

    /// The path without links in its last part, so that it is the file that is replaced and not the link.
    private func resolved(_ path: String) throws -> String {
        var path = path
        for _ in 0..<16 {
            guard let target = try? Files.linkTarget(root + path) else { return path }
            let directory = path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
            path = target.hasPrefix("/") ? target : "\(directory)/\(target)"
        }
        throw MigrationError("\(path): too many links")
    }

    /// Replaces a file as a whole, or makes it, with the mode and owner given.
    func write(_ file: NodeFile) throws {
        let place = root + file.path
        let slash = place.lastIndex(of: "/") ?? place.startIndex
        let temporary = "\(place[..<slash])/.\(place[place.index(after: slash)...]).fender-migrate"
        try Files.makeDirectories(String(place[..<slash]))
        do {
            let descriptor = try Descriptor.open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o600)
            try file.bytes.withUnsafeBytes { try descriptor.writeAll($0) }
            let raw = descriptor.raw
            // The owner first: chown(2) takes set-id bits away.
            try system("fchown", temporary) { fchown(raw, file.owner, file.group) }
            try system("fchmod", temporary) { fchmod(raw, file.mode) }
            try system("fsync", temporary) { fsync(raw) }
            try system("rename", place) { rename(temporary, place) }
        } catch {
            unlink(temporary)
            throw error
        }
        try Self.flush(directory: String(place[..<slash]))
    }

    /// Removes a file; one that is not there is fine.
    func remove(_ path: String) throws {
        try Files.remove(root + path)
        try? Self.flush(directory: String((root + path)[..<((root + path).lastIndex(of: "/") ?? root.startIndex)]))
    }

    /// Writes a directory's names to disk: without it a rename may be lost with the power.
    static func flush(directory: String) throws {
        let descriptor = try Descriptor.open(directory, O_RDONLY | O_DIRECTORY)
        let raw = descriptor.raw
        try system("fsync", directory) { fsync(raw) }
    }
}

/// Why a node cannot be migrated, or the way back is barred.
struct MigrationError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
