internal import Glibc
internal import Linux

/// One of Docker's log files, held open so that neither renaming nor deleting takes it away.
final class SourceFile {
    /// How many bytes before the position are compared at every read.
    static let tailLength = 64

    let id: FileID
    private let descriptor: Descriptor

    /// Opens a regular file; nil when there is none at the path.
    init?(path: String) throws {
        do {
            descriptor = try Descriptor.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
        } catch let error as SystemError where error.code == ENOENT {
            return nil
        }
        let status = try descriptor.status()
        guard status.isRegularFile else { throw LogError(.failed, "read \(path), no regular file") }
        id = FileID(status)
    }

    func status() throws -> stat { try descriptor.status() }

    /// Reads at `offset`; fewer bytes than asked for at the end of the file only.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws -> Int {
        var count = 0
        while count < buffer.count {
            let raw = descriptor.raw
            let more = try system("pread") {
                pread(raw, buffer.baseAddress.map { $0 + count }, buffer.count - count, off_t(offset + count))
            }
            if more == 0 { break }
            count += more
        }
        return count
    }

    /// Whether `position` was taken in this file and the file has not been truncated since.
    func holds(_ position: Checkpoint.Source) -> Bool {
        guard id == position.file, position.tail.count <= position.offset else { return false }
        var found = [UInt8](repeating: 0, count: position.tail.count)
        let start = position.offset - found.count
        guard let count = try? found.withUnsafeMutableBytes({ try read(into: $0, at: start) }) else { return false }
        return count == found.count && found == position.tail
    }

    /// The position behind the last complete line.
    func end() throws -> Checkpoint.Source {
        let size = Int(try status().st_size)
        var bytes = [UInt8](repeating: 0, count: min(size, LineConverter.lineLimit))
        let start = size - bytes.count
        let count = try bytes.withUnsafeMutableBytes { try read(into: $0, at: start) }
        let newline = bytes[..<count].lastIndex(of: UInt8(ascii: "\n"))
        // A line without an end in sight is longer than any that is read.
        let length = newline.map { $0 + 1 } ?? (start > 0 ? count : 0)
        return Checkpoint.Source(
            file: id, offset: start + length, tail: Array(bytes[..<length].suffix(Self.tailLength)),
            isPassingLine: newline == nil && start > 0)
    }

    /// Docker's files for one container now, the newest first, up to and including the first that `isLast`.
    ///
    /// Docker may rename them meanwhile, but only to higher numbers and from the highest on, so that in ascending order
    /// none is missed; one met twice is left out the second time, and a number may be vacant for a moment.
    static func chain(_ path: String, until isLast: (SourceFile) -> Bool) throws -> [SourceFile] {
        var files: [SourceFile] = []
        var number = 0
        var vacant = 0
        while vacant < 3 {
            if let file = try SourceFile(path: number == 0 ? path : "\(path).\(number)") {
                vacant = 0
                if !files.contains(where: { $0.id == file.id }) { files.append(file) }
                if isLast(file) { break }
            } else {
                vacant += 1
            }
            number += 1
        }
        return files
    }
}
