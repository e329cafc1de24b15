/// What CNI allows for names that become parts of paths and environment variables.
enum Identifier {
    /// A container id or a network name: `[A-Za-z0-9][A-Za-z0-9_.-]*`, short enough for a file's name.
    static func isValid(_ name: String) -> Bool {
        let bytes = name.utf8
        guard let first = bytes.first, isAlphanumeric(first), bytes.count <= 128 else { return false }
        return bytes.allSatisfy { isAlphanumeric($0) || "_.-".utf8.contains($0) }
    }

    /// An interface's name: at most 15 bytes, no slash, colon or white space, not `.` or `..`.
    static func isInterface(_ name: String) -> Bool {
        let bytes = name.utf8
        guard (1...15).contains(bytes.count), name != ".", name != ".." else { return false }
        return bytes.allSatisfy { $0 > 0x20 && $0 != 0x7f && !"/:".utf8.contains($0) }
    }

    /// The name of a file in a directory.
    static func isFileName(_ name: String) -> Bool {
        guard (1...255).contains(name.utf8.count), name != ".", name != ".." else { return false }
        return !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
    }

    /// A value of CNI_ARGS: nothing that would begin another argument.
    static func isArgumentValue(_ value: String) -> Bool {
        !value.utf8.contains { $0 < 0x20 || $0 == 0x7f || $0 == UInt8(ascii: ";") || $0 == UInt8(ascii: "=") }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }
}
