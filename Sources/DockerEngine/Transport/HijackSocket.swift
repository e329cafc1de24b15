internal import Glibc
internal import Linux

/// Opens the nonblocking sockets of hijacked connections.
enum HijackSocket {
    /// Connects. Throws ``DockerError/Kind/unavailable`` when nobody listens, `unsupported` for TLS.
    static func connect(to endpoint: DockerEndpoint) async throws -> CInt {
        guard endpoint.tls == nil else {
            throw DockerError(
                .unsupported,
                message: "exec and attach through \(endpoint) are not possible: the client speaks no TLS there")
        }
        do {
            switch endpoint.address {
            case .unix(let path): return try UnixSocket.connect(to: path, isBlocking: false).release()
            case .tcp(let host, let port): return try await connect(host: host, port: port)
            }
        } catch let error as SystemError {
            let reason = String(cString: strerror(error.code))
            throw DockerError(.unavailable, message: "cannot connect to \(endpoint): \(reason)")
        }
    }

    /// Resolves and connects on a thread of its own, since the resolver blocks.
    private static func connect(host: String, port: UInt16) async throws -> CInt {
        try await DedicatedThread.run { try connectBlocking(host: host, port: port) }
    }

    private static func connectBlocking(host: String, port: UInt16) throws -> CInt {
        var hints = addrinfo()
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        guard code == 0 else {
            throw DockerError(.unavailable, message: "\(host): \(String(cString: gai_strerror(code)))")
        }
        defer { freeaddrinfo(list) }
        var failure = SystemError(call: "connect", object: host, code: EHOSTUNREACH)
        var next = list
        while let entry = next {
            do { return try connectBlocking(entry.pointee) } catch let error as SystemError { failure = error }
            next = entry.pointee.ai_next
        }
        throw failure
    }

    private static func connectBlocking(_ entry: addrinfo) throws -> CInt {
        let descriptor = try socket(entry.ai_family)
        let raw = descriptor.raw
        var on: CInt = 1
        setsockopt(raw, CInt(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<CInt>.size))
        setsockopt(raw, SOL_SOCKET, SO_KEEPALIVE, &on, socklen_t(MemoryLayout<CInt>.size))
        if Glibc.connect(raw, entry.ai_addr, entry.ai_addrlen) == 0 { return descriptor.release() }
        guard errno == EINPROGRESS else { throw SystemError(call: "connect", code: errno) }
        var ready = pollfd(fd: raw, events: Int16(POLLOUT), revents: 0)
        guard try system("poll", "", { poll(&ready, 1, 10_000) }) > 0 else {
            throw SystemError(call: "connect", code: ETIMEDOUT)
        }
        var code: CInt = 0
        var size = socklen_t(MemoryLayout<CInt>.size)
        getsockopt(raw, SOL_SOCKET, SO_ERROR, &code, &size)
        guard code == 0 else { throw SystemError(call: "connect", code: code) }
        return descriptor.release()
    }

    private static func socket(_ family: CInt) throws -> Descriptor {
        let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        return Descriptor(owning: try system("socket") { Glibc.socket(family, type, 0) })
    }
}
