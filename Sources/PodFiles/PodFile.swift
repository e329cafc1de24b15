internal import Glibc
internal import Linux

/// A file that running containers hold by bind mount: it must keep its inode.
public enum PodFile {
    /// Rewrites an existing regular file in place; nothing is written when it already says `text`.
    ///
    /// A replacement by rename would leave the containers that bind-mount the file with the old one. The
    /// new text is padded with newlines to the old length in one write and then cut, so that no reader and
    /// no crash finds the file empty or with a tail of the old text.
    public static func rewrite(_ path: String, _ text: String) throws {
        // O_NONBLOCK: a FIFO in the file's place must not hold us.
        let file = try Descriptor.open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK)
        let status = try file.status()
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw PodFileError("rewrite \(path): not a regular file")
        }
        let wanted = Array(text.utf8)
        if status.st_size <= 1 << 20, try Files.read(file, name: path) == wanted { return }
        // A larger file than any of ours is cut rather than padded.
        let oldSize = status.st_size <= 1 << 20 ? Int(status.st_size) : 0
        let padding = [UInt8](repeating: UInt8(ascii: "\n"), count: max(0, oldSize - wanted.count))
        let raw = file.raw
        try system("lseek", path) { lseek(raw, 0, SEEK_SET) }
        try (wanted + padding).withUnsafeBytes { try file.writeAll($0) }
        try system("ftruncate", path) { ftruncate(raw, off_t(wanted.count)) }
    }
}
