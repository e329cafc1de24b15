/// A fully qualified CDI device name, `vendor.com/class=name`.
public struct CDIDeviceName: Sendable, Hashable, CustomStringConvertible {
    /// The vendor, a domain name.
    public var vendor: String
    /// The device class of the vendor.
    public var deviceClass: String
    /// The device within its kind.
    public var name: String

    /// `vendor/class`, the `kind` of a specification file.
    public var kind: String { "\(vendor)/\(deviceClass)" }

    /// The qualified name.
    public var description: String { "\(kind)=\(name)" }

    /// Parses a qualified name (CDI specification, "CDI JSON Specification"). Throws ``CDIError``.
    public init(_ text: String) throws {
        let malformed = CDIError("parse CDI device \(text.debugDescription): not of the form vendor/class=name")
        guard let equals = text.firstIndex(of: "=") else { throw malformed }
        (vendor, deviceClass) = try Self.parse(kind: String(text[..<equals]))
        name = String(text[text.index(after: equals)...])
        guard Self.isDeviceName(name) else { throw malformed }
    }

    /// Splits `vendor/class` and checks both. Throws ``CDIError``.
    static func parse(kind: String) throws -> (vendor: String, deviceClass: String) {
        let parts = kind.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, isIdentifier(parts[0], also: "_-."), isIdentifier(parts[1], also: "_-.") else {
            throw CDIError("parse CDI kind \(kind.debugDescription): not of the form vendor/class")
        }
        return (String(parts[0]), String(parts[1]))
    }

    /// Vendors and classes begin with a letter and end with a letter or digit.
    private static func isIdentifier(_ text: Substring, also inner: String) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last, text.utf8.count <= 253 else { return false }
        return isLetter(first) && isAlphanumeric(last)
            && text.utf8.allSatisfy { isAlphanumeric($0) || inner.utf8.contains($0) }
    }

    /// Device names begin and end with a letter or digit and may hold colons too.
    static func isDeviceName(_ name: String) -> Bool {
        guard let first = name.utf8.first, let last = name.utf8.last, name.utf8.count <= 253 else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last)
            && name.utf8.allSatisfy { isAlphanumeric($0) || "_-.:".utf8.contains($0) }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { 0x61...0x7a ~= byte || 0x41...0x5a ~= byte }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool { isLetter(byte) || 0x30...0x39 ~= byte }
}
