/// A version of the Engine API, `major.minor`.
public struct APIVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The major version, 1.
    public var major: Int
    /// The minor version.
    public var minor: Int

    /// `major.minor`.
    public init(_ major: Int, _ minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// Reads `1.41`; nil for anything else.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let major = Int(parts[0]), let minor = Int(parts[1]), major >= 0, minor >= 0 else {
            return nil
        }
        self.init(major, minor)
    }

    /// The oldest API this client speaks: Docker 20.10.
    public static let oldest = APIVersion(1, 41)
    /// The newest API this client knows: Docker 29.
    public static let newest = APIVersion(1, 52)

    /// `major.minor`.
    public var description: String { "\(major).\(minor)" }

    /// By major, then by minor.
    public static func < (left: APIVersion, right: APIVersion) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }
}
