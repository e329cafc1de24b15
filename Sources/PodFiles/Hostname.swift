internal import Glibc

/// Host names as the kernel and DNS take them.
public enum Hostname {
    /// The most bytes sethostname(2) takes.
    public static let longest = 64

    /// Checks a name to be set in a UTS namespace or written to hosts: labels of letters, digits, `-` and
    /// `_`, not beginning or ending in `-`, parted by dots.
    ///
    /// Throws ``PodFileError`` otherwise. The length is not limited to ``longest``: hosts may hold longer
    /// names, see ``truncated(_:)`` for the kernel's.
    public static func validate(_ name: String) throws {
        guard !name.isEmpty, name.utf8.count <= 253 else {
            throw PodFileError("validate host name: empty or over 253 bytes")
        }
        for label in name.split(separator: ".", omittingEmptySubsequences: false) {
            let bytes = label.utf8
            let isFit =
                !bytes.isEmpty && bytes.count <= 63 && bytes.first != UInt8(ascii: "-")
                && bytes.last != UInt8(ascii: "-") && bytes.allSatisfy(isLabelByte)
            guard isFit else { throw PodFileError("validate host name \(name.debugDescription): bad label") }
        }
    }

    /// A valid name cut to ``longest`` bytes without a trailing `-` or `.`, as the kubelet cuts pod names.
    public static func truncated(_ name: String) -> String {
        guard name.utf8.count > longest else { return name }
        var bytes = Array(name.utf8.prefix(longest - 1))
        while let last = bytes.last, last == UInt8(ascii: "-") || last == UInt8(ascii: ".") { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isLabelByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

/// Textual IP addresses.
enum IPAddress {
    /// Whether inet_pton(3) takes the text as IPv4 or IPv6.
    static func isValid(_ text: String) -> Bool {
        guard !text.utf8.contains(0) else { return false }
        var storage = in6_addr()
        return inet_pton(AF_INET, text, &storage) == 1 || inet_pton(AF_INET6, text, &storage) == 1
    }
}
