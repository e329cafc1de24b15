internal import Glibc
internal import Linux

/// A CRI log file, open for appending.
final class DestinationFile {
    let id: FileID
    private let descriptor: Descriptor

    /// Throws `unsafeDestination` unless the descriptor is a regular file's.
    init(_ descriptor: consuming Descriptor, _ name: String) throws {
        let status = try descriptor.status()
        guard status.isRegularFile else { throw LogError(.unsafeDestination, "open \(name), no regular file") }
        id = FileID(status)
        self.descriptor = descriptor
    }

    func status() throws -> stat { try descriptor.status() }

    func size() throws -> Int { Int(try descriptor.status().st_size) }

    /// Appends with as few calls as the kernel allows; on failure some of the bytes may have been written.
    func append(_ bytes: UnsafeRawBufferPointer) throws {
        try descriptor.writeAll(bytes)
    }

    func truncate(to size: Int) throws {
        let raw = descriptor.raw
        try system("ftruncate") { ftruncate(raw, off_t(size)) }
    }

    /// Cuts off a last line that has no end; answers how many bytes that were.
    ///
    /// Our lines are shorter than 32 KiB; in a file where the last that many bytes hold no newline nothing is ours to cut.
    func cutTornLine() throws -> Int {
        let size = try size()
        var end = [UInt8](repeating: 0, count: min(size, 32 << 10))
        let raw = descriptor.raw
        let start = size - end.count
        let count = try end.withUnsafeMutableBytes { buffer in
            try system("pread") { pread(raw, buffer.baseAddress, buffer.count, off_t(start)) }
        }
        guard count == end.count, end.last != UInt8(ascii: "\n") else { return 0 }
        let kept = end.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? (start == 0 ? 0 : end.count)
        if kept < end.count { try truncate(to: start + kept) }
        return end.count - kept
    }

    /// The time of the last complete line, as bytes; nil when the file holds none.
    func lastTime() throws -> [UInt8]? {
        let size = try size()
        var end = [UInt8](repeating: 0, count: min(size, 64 << 10))
        let raw = descriptor.raw
        let start = size - end.count
        let count = try end.withUnsafeMutableBytes { buffer in
            try system("pread") { pread(raw, buffer.baseAddress, buffer.count, off_t(start)) }
        }
        let lines = end[..<count].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true)
        return lines.reversed().lazy.map { Array($0.prefix { $0 != UInt8(ascii: " ") }) }
            .first { $0.withUnsafeBytes(Timestamp.isValid) }
    }
}
