internal import Glibc

/// Stream sockets by path (unix(7)).
public enum UnixSocket {
    /// Connects. Does not block: a Unix socket connects at once or, with a full backlog, not at all. Whether later
    /// reads and writes wait is the caller's choice.
    public static func connect(to path: String, isBlocking: Bool = true) throws -> Descriptor {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard path.utf8.count < room else { throw SystemError(call: "connect", object: path, code: ENAMETOOLONG) }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let kind = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | (isBlocking ? 0 : SOCK_NONBLOCK.rawValue)
        let socket = Descriptor(owning: try system("socket") { Glibc.socket(AF_UNIX, CInt(kind), 0) })
        let raw = socket.raw
        try withUnsafePointer(to: &address) { address in
            try address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = try system("connect", path) {
                    Glibc.connect(raw, address, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        }
        return socket
    }
}
