/// An image name as the distribution grammar has it: `[domain/]path[:tag][@digest]`.
public struct ImageReference: Sendable, Hashable, CustomStringConvertible {
    /// The registry, `docker.io` when none was written.
    public let domain: String
    /// The repository within the registry; `library/` is added to a bare Docker Hub name.
    public let path: String
    /// The tag, if one was written.
    public let tag: String?
    /// The digest with its algorithm, if one was written.
    public let digest: String?

    /// Parses a reference; nil when it breaks the grammar.
    public init?(_ text: String) {
        guard !text.isEmpty, text.utf8.count <= 4096 else { return nil }
        var rest = Substring(text)
        var digest: String?
        if let at = rest.firstIndex(of: "@") {
            let written = rest[rest.index(after: at)...]
            guard Self.isDigest(written) else { return nil }
            digest = String(written)
            rest = rest[..<at]
        }
        var tag: String?
        let lastSlash = rest.lastIndex(of: "/") ?? rest.startIndex
        if let colon = rest[lastSlash...].lastIndex(of: ":") {
            let written = rest[rest.index(after: colon)...]
            guard Self.isTag(written) else { return nil }
            tag = String(written)
            rest = rest[..<colon]
        }
        var domain = "docker.io"
        if let slash = rest.firstIndex(of: "/") {
            let first = rest[..<slash]
            if first.contains(".") || first.contains(":") || first == "localhost"
                || first.contains(where: \.isUppercase)
            {
                domain = first == "index.docker.io" ? "docker.io" : String(first)
                rest = rest[rest.index(after: slash)...]
            }
        }
        guard Self.isPath(rest), Self.isDomain(domain), rest.utf8.count <= 255 else { return nil }
        self.domain = domain
        self.path = domain == "docker.io" && !rest.contains("/") ? "library/\(rest)" : String(rest)
        self.tag = tag
        self.digest = digest
    }

    /// Registry and repository: `docker.io/library/busybox`.
    public var repository: String { "\(domain)/\(path)" }

    /// The full name; `latest` where neither tag nor digest was written.
    public var description: String {
        if let digest { return "\(repository)@\(digest)" }
        return "\(repository):\(tag ?? "latest")"
    }

    private static func isDomain(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy {
                isAlphanumeric($0) || $0 == 0x2D || $0 == 0x2E || $0 == 0x3A || $0 == 0x5B || $0 == 0x5D
            }
    }

    private static func isPath(_ text: Substring) -> Bool {
        !text.isEmpty
            && text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
                guard let first = part.utf8.first, let last = part.utf8.last else { return false }
                return isLowercase(first) && isLowercase(last)
                    && part.utf8.allSatisfy { isLowercase($0) || $0 == 0x2D || $0 == 0x2E || $0 == 0x5F }
            }
    }

    private static func isTag(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 128 else { return false }
        return (isAlphanumeric(first) || first == 0x5F)
            && text.utf8.allSatisfy { isAlphanumeric($0) || $0 == 0x2D || $0 == 0x2E || $0 == 0x5F }
    }

    /// `algorithm:hex` with at least 32 hex digits.
    static func isDigest(_ text: Substring) -> Bool {
        guard let colon = text.firstIndex(of: ":") else { return false }
        let hex = text[text.index(after: colon)...]
        return colon != text.startIndex && hex.utf8.count >= 32 && hex.utf8.count <= 256
            && hex.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x66) }
    }

    private static func isLowercase(_ byte: UInt8) -> Bool {
        (byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x7A)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isLowercase(byte) || (byte >= 0x41 && byte <= 0x5A)
    }
}
