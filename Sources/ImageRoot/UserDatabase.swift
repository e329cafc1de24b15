/// The users and groups that an image's /etc/passwd and /etc/group define.
///
/// Lines that are malformed or over-long are passed over, as the C library does; of entries for the same
/// name or number the first counts.
public struct UserDatabase: Sendable {
    struct User: Sendable, Equatable {
        var name: String
        var uid: UInt32
        var gid: UInt32
        var home: String
    }

    struct Group: Sendable, Equatable {
        var name: String
        var gid: UInt32
        var members: [String]
    }

    /// The most bytes either file may have (CVE-2026-47262: they are read whole).
    public static let limit = 4 << 20
    /// The longest line that is looked at, bytes.
    static let longestLine = 256 << 10

    let users: [User]
    let groups: [Group]

    /// A database out of the files' bytes. Throws ``ImageRootError`` when they are over ``limit``.
    public init(passwd: [UInt8], group: [UInt8]) throws {
        guard passwd.count <= Self.limit, group.count <= Self.limit else {
            throw ImageRootError(.invalid, "read users of the image: over \(Self.limit) bytes")
        }
        users = Self.records(passwd).compactMap(User.init)
        groups = Self.records(group).compactMap(Group.init)
    }

    /// The database of an image; files that are absent count as empty. Throws ``ImageRootError``.
    public static func read(from image: borrowing ImageRoot) throws -> UserDatabase {
        try UserDatabase(
            passwd: image.readFile("/etc/passwd", limit: limit) ?? [],
            group: image.readFile("/etc/group", limit: limit) ?? [])
    }

    /// The lines' fields.
    private static func records(_ bytes: [UInt8]) -> [[ArraySlice<UInt8>]] {
        bytes.split(separator: 0x0a).compactMap { line in
            guard line.count <= longestLine, line.first != UInt8(ascii: "#") else { return nil }
            return line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        }
    }

    /// A number as such files have it: decimal digits only, below 2^32 - 1, which stands for none.
    static func id(_ bytes: some Collection<UInt8>) -> UInt32? {
        guard !bytes.isEmpty, bytes.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
        guard let number = UInt32(String(decoding: Array(bytes), as: UTF8.self)), number != .max else { return nil }
        return number
    }
}

extension UserDatabase.User {
    fileprivate init?(fields: [ArraySlice<UInt8>]) {
        guard fields.count >= 4, !fields[0].isEmpty, let uid = UserDatabase.id(fields[2]),
            let gid = UserDatabase.id(fields[3])
        else { return nil }
        self.uid = uid
        self.gid = gid
        name = String(decoding: fields[0], as: UTF8.self)
        home = fields.count > 5 ? String(decoding: fields[5], as: UTF8.self) : ""
    }
}

extension UserDatabase.Group {
    fileprivate init?(fields: [ArraySlice<UInt8>]) {
        guard fields.count >= 3, !fields[0].isEmpty, let gid = UserDatabase.id(fields[2]) else { return nil }
        self.gid = gid
        name = String(decoding: fields[0], as: UTF8.self)
        members =
            fields.count > 3
            ? fields[3].split(separator: UInt8(ascii: ",")).map { String(decoding: $0, as: UTF8.self) } : []
    }
}
