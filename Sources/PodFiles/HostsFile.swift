/// A pod's /etc/hosts.
public struct HostsFile: Sendable, Equatable {
    /// One line: an address and the names it answers to.
    public struct Entry: Sendable, Equatable {
        /// An IPv4 or IPv6 address.
        public var address: String
        /// Host names, the canonical one first.
        public var names: [String]

        /// An entry; checked only when it is turned into text.
        public init(address: String, names: [String]) {
            self.address = address
            self.names = names
        }
    }

    /// The lines that follow those for loopback.
    public var entries: [Entry]

    /// A file with the usual loopback lines and these entries.
    public init(entries: [Entry] = []) {
        self.entries = entries
    }

    /// The file in hosts(5) form. Throws ``PodFileError`` for a bad address or name.
    public func text() throws -> String {
        var text = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
        text += "fe00::\tip6-localnet\nff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n"
        for entry in entries {
            guard IPAddress.isValid(entry.address) else {
                throw PodFileError("write hosts: \(entry.address.debugDescription) is not an IP address")
            }
            guard !entry.names.isEmpty else { throw PodFileError("write hosts: \(entry.address) has no name") }
            for name in entry.names { try Hostname.validate(name) }
            text += "\(entry.address)\t\(entry.names.joined(separator: "\t"))\n"
        }
        return text
    }
}
