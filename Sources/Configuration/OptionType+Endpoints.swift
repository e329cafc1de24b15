internal import Glibc

/// Bytes of a Unix socket's path without the closing NUL (sockaddr_un).
private let longestSocketPath = 107

extension OptionType where Value == CRIEndpoint {
    /// `unix:///path`, a bare path, or `fd://` with the number or name of an inherited socket.
    static let criEndpoint = OptionType(
        placeholder: "ENDPOINT",
        parse: { text in
            if let name = text.suffix(after: "fd://") {
                return .inherited(name.isEmpty || name == "*" ? nil : name)
            }
            if text.hasPrefix("tcp://") { throw InvalidValue("the CRI is served on a Unix socket only") }
            return .path(try socketPath(text))
        },
        show: { endpoint in
            switch endpoint {
            case .path(let path): "unix://" + path
            case .inherited(let name): "fd://" + (name ?? "")
            }
        })
}

extension OptionType where Value == DockerAddress {
    /// `unix:///path`, a bare path, `tcp://host:port`, `http://host:port` or `https://host:port`.
    static let dockerEndpoint = OptionType(
        placeholder: "ENDPOINT",
        parse: { text in
            for (scheme, tls, port) in [("tcp://", false, 2375), ("http://", false, 2375), ("https://", true, 2376)] {
                guard let address = text.suffix(after: scheme) else { continue }
                let (host, port) = try hostAndPort(address, defaultPort: port)
                guard !host.isEmpty else { throw InvalidValue("names no host") }
                guard port > 0 else { throw InvalidValue("port 0 is none") }
                return .tcp(host: host, port: port, tls: tls)
            }
            return .unix(try socketPath(text))
        },
        show: { endpoint in
            switch endpoint {
            case .unix(let path): "unix://" + path
            case .tcp(let host, let port, let tls):
                (tls ? "https://" : "tcp://") + (host.contains(":") ? "[\(host)]" : host) + ":\(port)"
            }
        })
}

extension OptionType where Value == StreamingAddress {
    /// An address with or without a port, an IPv6 one with a port in brackets.
    static let streamingAddress = OptionType(
        placeholder: "ADDRESS",
        parse: { text in
            if isAddress(text, AF_INET6) { return StreamingAddress(host: text, port: 0) }
            let (host, port) = try hostAndPort(text, defaultPort: 0)
            guard isAddress(host, AF_INET) || isAddress(host, AF_INET6) else {
                throw InvalidValue("not an IP address with or without a port")
            }
            return StreamingAddress(host: host, port: port)
        },
        show: { ($0.host.contains(":") ? "[\($0.host)]" : $0.host) + ":\($0.port)" })
}

extension OptionType where Value == MetricsAddress? {
    /// `unix:///path`, a bare path, or an address with a port; empty is none.
    static let metricsAddress = OptionType(
        placeholder: "ADDRESS",
        parse: { text in
            if text.isEmpty { return nil }
            if text.hasPrefix("unix:") || text.hasPrefix("/") { return .unix(try socketPath(text)) }
            return .tcp(try OptionType<StreamingAddress>.streamingAddress.parse(text))
        },
        show: { address in
            switch address {
            case .unix(let path): "unix://" + path
            case .tcp(let address): OptionType<StreamingAddress>.streamingAddress.show(address)
            case nil: ""
            }
        })
}

extension OptionType where Value == String {
    /// `http://host` or `https://host` with or without port and path, or nothing.
    static let baseURL = OptionType(
        placeholder: "URL",
        parse: { text in
            if text.isEmpty { return "" }
            guard let rest = text.suffix(after: "http://") ?? text.suffix(after: "https://") else {
                throw InvalidValue("not http:// or https:// and a host")
            }
            guard let host = rest.split(separator: "/", omittingEmptySubsequences: false).first, !host.isEmpty else {
                throw InvalidValue("names no host")
            }
            guard !text.contains(where: { "?#@ \\\"".contains($0) || !$0.isASCII }) else {
                throw InvalidValue("a host, a port and a path are all there may be")
            }
            return text.hasSuffix("/") ? String(text.dropLast()) : text
        }, show: { $0 })
}

/// Checks `address/bits` and gives it back.
func addressRange(_ text: String) throws -> String {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    if parts.count == 2, let bits = Int(parts[1]), bits >= 0 {
        if isAddress(String(parts[0]), AF_INET) && bits <= 32 { return text }
        if isAddress(String(parts[0]), AF_INET6) && bits <= 128 { return text }
    }
    throw InvalidValue("not an address range such as 10.88.0.0/16")
}

private func socketPath(_ text: String) throws -> String {
    let path = text.suffix(after: "unix://") ?? text.suffix(after: "unix:") ?? text
    guard path.hasPrefix("/") else { throw InvalidValue("not unix:// and an absolute path") }
    guard path.utf8.count <= longestSocketPath else {
        throw InvalidValue("a socket's path has at most \(longestSocketPath) bytes")
    }
    guard !path.utf8.contains(0), !path.hasSuffix("/") else { throw InvalidValue("not the path of a socket") }
    return path
}

/// Splits `host`, `host:port`, `[v6]` and `[v6]:port`.
private func hostAndPort(_ text: String, defaultPort: Int) throws -> (host: String, port: Int) {
    var host = text[...]
    var rest = text[text.endIndex...]
    if text.hasPrefix("["), let close = text.firstIndex(of: "]") {
        host = text[text.index(after: text.startIndex)..<close]
        rest = text[text.index(after: close)...]
    } else if let colon = text.firstIndex(of: ":") {
        host = text[..<colon]
        rest = text[colon...]
    }
    if rest.isEmpty { return (String(host), defaultPort) }
    guard rest.hasPrefix(":"), let port = UInt16(rest.dropFirst()) else { throw InvalidValue("not a host and a port") }
    return (String(host), Int(port))
}

private func isAddress(_ text: String, _ family: CInt) -> Bool {
    var room = in6_addr()
    return inet_pton(family, text, &room) == 1
}

extension String {
    /// What follows `prefix`, or nil when the text begins otherwise.
    func suffix(after prefix: String) -> String? {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
    }
}
