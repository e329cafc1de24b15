/// The user and groups a process runs as, as /proc/<pid>/status tells them.
public struct ProcessCredentials: Sendable, Equatable {
    /// Effective user id, in the reader's user namespace.
    public var uid: UInt32
    /// Effective group id.
    public var gid: UInt32
    /// Supplementary groups in the kernel's order.
    public var groups: [UInt32]

    /// Credentials out of known numbers.
    public init(uid: UInt32, gid: UInt32, groups: [UInt32]) {
        self.uid = uid
        self.gid = gid
        self.groups = groups
    }

    /// Those of a running process; fails with ENOENT or ESRCH when it is gone.
    public static func read(_ pid: Int32) throws -> ProcessCredentials {
        let path = "/proc/\(pid)/status"
        let status = try ProcessStatus(text: Files.text(path))
        guard let uid = status.numbers("Uid")?.dropFirst().first,
            let gid = status.numbers("Gid")?.dropFirst().first,
            let groups = status.numbers("Groups")
        else { throw SystemError(call: "parse", object: path, code: 22) }
        return ProcessCredentials(uid: uid, gid: gid, groups: groups)
    }
}

/// The lines of a /proc/<pid>/status file by name.
public struct ProcessStatus: Sendable {
    private var lines: [Substring: Substring] = [:]

    /// Splits the file's text.
    public init(text: String) {
        for line in text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            lines[line[..<colon]] = line[line.index(after: colon)...]
        }
    }

    /// The text after `name:` without surrounding white space.
    public subscript(name: String) -> String? {
        guard let value = lines[name[...]] else { return nil }
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        guard let first = value.firstIndex(where: { !isBlank($0) }),
            let last = value.lastIndex(where: { !isBlank($0) })
        else { return "" }
        return String(value[first...last])
    }

    /// The numbers after `name:`; nil when the line is absent or holds something else.
    func numbers(_ name: String) -> [UInt32]? {
        guard let text = self[name] else { return nil }
        var numbers: [UInt32] = []
        for word in text.split(whereSeparator: { $0 == " " || $0 == "\t" }) {
            guard let number = UInt32(word) else { return nil }
            numbers.append(number)
        }
        return numbers
    }
}
