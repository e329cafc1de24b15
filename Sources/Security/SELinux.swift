internal import Linux

/// SELinux labels as CRI `SELinuxOption` names their parts.
public struct SELinuxLabel: Sendable, Equatable {
    /// SELinux user.
    public var user: String
    /// SELinux role.
    public var role: String
    /// SELinux type.
    public var type: String
    /// MLS/MCS level.
    public var level: String

    /// A label; empty parts are left to the runtime.
    public init(user: String = "", role: String = "", type: String = "", level: String = "") {
        self.user = user
        self.role = role
        self.type = type
        self.level = level
    }

    /// Docker's `HostConfig.SecurityOpt` entries for the parts that are set.
    ///
    /// Throws ``SecurityError`` for characters no label has.
    public func dockerOptions() throws -> [String] {
        var options: [String] = []
        for (name, value) in [("user", user), ("role", role), ("type", type), ("level", level)] where !value.isEmpty {
            guard value.utf8.count <= 4_096, value.utf8.allSatisfy(Self.isLabelByte) else {
                throw SecurityError("use SELinux \(name) \(value.debugDescription): bad character")
            }
            // Of the parts, only a level has colons and commas (s0:c1,c2) and ranges (s0-s15:c0.c1023).
            guard name == "level" || !value.utf8.contains(where: { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ",") })
            else { throw SecurityError("use SELinux \(name) \(value.debugDescription): bad character") }
            options.append("label=\(name):\(value)")
        }
        return options
    }

    private static func isLabelByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: ":"), UInt8(ascii: ","):
            true
        default: false
        }
    }
}

/// What the kernel says of SELinux.
public enum SELinux {
    /// Whether the kernel runs SELinux: its file system is mounted and answers.
    public static var isEnabled: Bool { Files.exists("/sys/fs/selinux/enforce") }
}
