internal import Glibc

/// One mount as proc_pid_mountinfo(5) tells it.
public struct MountEntry: Sendable, Equatable {
    /// The mount's id.
    public var id: Int
    /// The id of the mount it is on.
    public var parent: Int
    /// The part of the file system that is mounted, "/" for all of it.
    public var root: String
    /// The directory or file it is mounted at.
    public var point: String
    /// Mount options, such as `ro,nosuid`.
    public var options: [String]
    /// Whether mounts in it propagate to peers.
    public var isShared: Bool
    /// File system type.
    public var type: String
    /// Source, such as a device; file systems without one put any text here.
    public var source: String
    /// The file system's own options.
    public var superOptions: [String]

    /// Takes a line apart; nil when it is malformed.
    public init?(line: Substring) {
        let fields = line.split(separator: " ")
        guard fields.count > 6, let dash = fields[6...].firstIndex(of: "-"), fields.count > dash + 3,
            let id = Int(fields[0]), let parent = Int(fields[1])
        else { return nil }
        self.id = id
        self.parent = parent
        root = Self.unescaped(fields[3])
        point = Self.unescaped(fields[4])
        options = fields[5].split(separator: ",").map(String.init)
        isShared = fields[6..<dash].contains { $0.hasPrefix("shared:") }
        type = String(fields[dash + 1])
        source = Self.unescaped(fields[dash + 2])
        superOptions = fields[dash + 3].split(separator: ",").map(String.init)
    }

    /// The kernel writes blanks, newlines and backslashes as three octal digits.
    private static func unescaped(_ field: Substring) -> String {
        let bytes = Array(field.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "\\"), index + 3 < bytes.count,
                let byte = UInt8(String(decoding: bytes[(index + 1)...(index + 3)], as: UTF8.self), radix: 8)
            {
                result.append(byte)
                index += 4
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}

/// The mounts of a mount namespace.
public enum MountTable {
    /// Those the calling thread sees, in the order of mounting.
    public static func read() throws -> [MountEntry] {
        parse(try Files.text("/proc/thread-self/mountinfo", limit: 64 << 20))
    }

    /// Those of which the table's line has the word; much less work where there are hundreds.
    public static func read(naming word: String) throws -> [MountEntry] {
        var bytes = try Files.read("/proc/thread-self/mountinfo", limit: 64 << 20)
        let newline = UInt8(ascii: "\n")
        // Each line becomes a C string.
        for index in bytes.indices where bytes[index] == newline { bytes[index] = 0 }
        bytes.append(0)
        return bytes.split(separator: 0).compactMap { line in
            let hasWord = bytes.withUnsafeBytes { all in
                let start = all.baseAddress.map { $0 + line.startIndex }
                return start.map { strstr($0.assumingMemoryBound(to: CChar.self), word) != nil } ?? false
            }
            return hasWord ? MountEntry(line: Substring(String(decoding: line, as: UTF8.self))) : nil
        }
    }

    /// Those a mountinfo text tells of.
    public static func parse(_ mountinfo: String) -> [MountEntry] {
        mountinfo.split(separator: "\n").compactMap { MountEntry(line: $0) }
    }
}
