/// A version of the CNI specification.
struct CNIVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    var major: Int
    var minor: Int
    var patch: Int

    /// The newest version that this client speaks.
    static let current = CNIVersion(1, 1, 0)
    /// What a configuration without a version means.
    static let oldest = CNIVersion(0, 1, 0)
    /// Results list interfaces, and addresses of both families alike, from here on.
    static let interfaces = CNIVersion(0, 3, 0)
    /// CHECK exists, and DEL is given the result of ADD, from here on.
    static let check = CNIVersion(0, 4, 0)
    /// GC and STATUS exist from here on.
    static let status = CNIVersion(1, 1, 0)

    init(_ major: Int, _ minor: Int, _ patch: Int) {
        self.major = major
        self.minor = minor
        self.patch = patch
    }

    /// Reads `1.0.0`; missing parts are zero. Nil for anything else.
    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let isDigit: (UInt8) -> Bool = { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        guard parts.count <= 3, parts.allSatisfy({ (1...6).contains($0.utf8.count) && $0.utf8.allSatisfy(isDigit) })
        else { return nil }
        let numbers = parts.compactMap { Int($0) } + [0, 0]
        self.init(numbers[0], numbers[1], numbers[2])
    }

    static func < (left: CNIVersion, right: CNIVersion) -> Bool {
        (left.major, left.minor, left.patch) < (right.major, right.minor, right.patch)
    }

    var description: String { "\(major).\(minor).\(patch)" }
}
