public import Configuration
public import DockerEngine

extension FenderConfiguration {
    /// Where Docker is to be found. Throws what ``DockerEndpoint`` does.
    public func engineEndpoint() throws -> DockerEndpoint {
        switch dockerEndpoint {
        case .unix(let path): .init(.unix(path: path))
        case .tcp(let host, let port, _):
            .init(.tcp(host: host, port: UInt16(clamping: port)), tls: dockerTLS.map(Self.tls))
        }
    }

    private static func tls(_ files: DockerTLS) -> DockerEndpoint.TLS {
        func named(_ file: String) -> String? { file.isEmpty ? nil : file }
        return .init(
            caFile: named(files.ca), certificateFile: named(files.certificate), keyFile: named(files.key))
    }
}
