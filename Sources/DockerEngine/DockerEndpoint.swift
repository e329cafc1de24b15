/// Where the daemon listens.
public struct DockerEndpoint: Sendable, Hashable, CustomStringConvertible {
    /// The kind of socket.
    public enum Address: Sendable, Hashable {
        /// A Unix socket's path.
        case unix(path: String)
        /// A name or address without brackets, and a port.
        case tcp(host: String, port: UInt16)
    }

    /// Files for TLS, in PEM.
    public struct TLS: Sendable, Hashable {
        /// The authority that signed the daemon's certificate; nil: the system's.
        public var caFile: String?
        /// The client's certificate.
        public var certificateFile: String?
        /// The client's key.
        public var keyFile: String?
        /// Check the daemon's certificate and name.
        public var verify: Bool

        /// Files for TLS.
        public init(
            caFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil, verify: Bool = true
        ) {
            self.caFile = caFile
            self.certificateFile = certificateFile
            self.keyFile = keyFile
            self.verify = verify
        }
    }

    /// Where it listens.
    public var address: Address
    /// TLS, for TCP only; nil: plain.
    public var tls: TLS?

    /// An endpoint.
    public init(_ address: Address, tls: TLS? = nil) {
        self.address = address
        self.tls = tls
    }

    /// `unix:///var/run/docker.sock`.
    public static let standard = DockerEndpoint(.unix(path: "/var/run/docker.sock"))

    /// Reads `unix:///path` or `tcp://host:port` (port 2375, with TLS 2376, where none is given).
    ///
    /// Throws ``DockerError/Kind/badRequest`` for anything else.
    public init(parsing text: String, tls: TLS? = nil) throws {
        if text.hasPrefix("unix://") {
            let path = String(text.dropFirst("unix://".count))
            // sun_path holds 108 bytes with the final NUL.
            guard path.hasPrefix("/"), path.utf8.count < 108, !path.utf8.contains(0) else {
                throw DockerError(.badRequest, message: "endpoint \(text): not a socket path")
            }
            self.init(.unix(path: path))
        } else if text.hasPrefix("tcp://") {
            let authority = text.dropFirst("tcp://".count)
            guard let address = Self.tcp(authority, standardPort: tls == nil ? 2375 : 2376) else {
                throw DockerError(.badRequest, message: "endpoint \(text): not host:port")
            }
            self.init(address, tls: tls)
        } else {
            throw DockerError(.badRequest, message: "endpoint \(text): neither unix:// nor tcp://")
        }
    }

    private static func tcp(_ authority: Substring, standardPort: UInt16) -> Address? {
        var host = authority
        var port: UInt16? = standardPort
        let hostEnd = authority.hasPrefix("[") ? authority.firstIndex(of: "]") : authority.startIndex
        guard let hostEnd else { return nil }
        if let colon = authority[hostEnd...].firstIndex(of: ":") {
            host = authority[..<colon]
            port = UInt16(authority[authority.index(after: colon)...])
        }
        if host.hasPrefix("[") { host = host.dropFirst().dropLast() }
        let allowed = host.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || ".-_:%".utf8.contains(byte)
        }
        guard let port, !host.isEmpty, allowed else { return nil }
        return .tcp(host: String(host), port: port)
    }

    /// As it is read by ``init(parsing:tls:)``.
    public var description: String {
        switch address {
        case .unix(let path): "unix://\(path)"
        case .tcp(let host, let port): host.contains(":") ? "tcp://[\(host)]:\(port)" : "tcp://\(host):\(port)"
        }
    }
}
