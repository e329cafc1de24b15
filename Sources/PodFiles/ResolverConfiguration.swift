/// What a pod's /etc/resolv.conf says: CRI `DNSConfig` as lists of words.
public struct ResolverConfiguration: Sendable, Equatable {
    /// Addresses of name servers, in order.
    public var servers: [String]
    /// Search domains, in order.
    public var searches: [String]
    /// Resolver options such as `ndots:5`.
    public var options: [String]

    /// A configuration; checked only when it is turned into text.
    public init(servers: [String] = [], searches: [String] = [], options: [String] = []) {
        self.servers = servers
        self.searches = searches
        self.options = options
    }

    /// Whether nothing at all is asked for: the pod then keeps the host's file, which Docker copied.
    public var isEmpty: Bool { servers.isEmpty && searches.isEmpty && options.isEmpty }

    /// The file in resolv.conf(5) form, a line a server, one `search` and one `options` line.
    ///
    /// Throws ``PodFileError`` for a word that would break out of its line, is over-long, or when there
    /// are more words than any resolver reads.
    public func text() throws -> String {
        try Self.check(servers, named: "DNS server", most: 16)
        try Self.check(searches, named: "DNS search domain", most: 128)
        try Self.check(options, named: "DNS option", most: 64)
        var lines = servers.map { "nameserver \($0)" }
        if !searches.isEmpty { lines.append("search " + searches.joined(separator: " ")) }
        if !options.isEmpty { lines.append("options " + options.joined(separator: " ")) }
        return lines.map { $0 + "\n" }.joined()
    }

    private static func check(_ words: [String], named kind: String, most: Int) throws {
        guard words.count <= most else {
            throw PodFileError("write resolv.conf: \(words.count) of \(kind), at most \(most) are read")
        }
        for word in words {
            guard word.utf8.count <= 255 else { throw PodFileError("write resolv.conf: \(kind) over 255 bytes") }
            guard !word.isEmpty, word.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
                throw PodFileError(
                    "write resolv.conf: \(kind) \(word.debugDescription) is empty or holds white space, "
                        + "control or non-ASCII characters")
            }
        }
    }
}
