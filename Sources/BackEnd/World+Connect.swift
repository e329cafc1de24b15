internal import CRI
internal import CLinux
internal import Glibc
internal import Linux
public import Runtime

extension World {
    /// A connected socket to a port on the sandbox's loopback, IPv4 before IPv6; the descriptor is the caller's.
    public func connect(sandboxID: String, port: UInt16) async throws -> CInt {
        guard let sandbox = sandbox(sandboxID), sandbox.status.state == .sandboxReady else {
            throw RuntimeError(.failedPrecondition, "sandbox \(sandboxID): not ready")
        }
        if sandbox.netns.isEmpty { return try await DedicatedThread.run { try Loopback.connect(port) } }
        let namespace = try NetworkNamespace(path: sandbox.netns)
        return try await namespace.run { try Loopback.connect(port) }
    }
}

/// Connections to 127.0.0.1 and ::1 of the calling thread's network namespace.
private enum Loopback {
    static func connect(_ port: UInt16) throws -> CInt {
        do {
            return try connectIPv4(port)
        } catch let error as SystemError where error.code == ECONNREFUSED || error.code == EADDRNOTAVAIL {
            do { return try connectIPv6(port) } catch {
                throw SystemError(call: "connect", object: "port \(port)", code: ECONNREFUSED)
            }
        }
    }

    private static func connectIPv4(_ port: UInt16) throws -> CInt {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return try connect(AF_INET, &address)
    }

    private static func connectIPv6(_ port: UInt16) throws -> CInt {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        address.sin6_addr = in6addr_loopback
        return try connect(AF_INET6, &address)
    }

    private static func connect<Address>(_ family: CInt, _ address: inout Address) throws -> CInt {
        let type = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        let socket = Descriptor(owning: try system("socket") { Glibc.socket(family, type, 0) })
        let raw = socket.raw
        try withUnsafePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                _ = try system("connect") { Glibc.connect(raw, name, socklen_t(MemoryLayout<Address>.size)) }
            }
        }
        return socket.release()
    }
}
