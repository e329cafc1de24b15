import Glibc

/// A connection to a Unix socket, held to learn when its server ends.
final class UnixConnection: Sendable {
    private let descriptor: CInt

    /// Nil when nobody listens.
    init?(to path: String) {
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        self.descriptor = descriptor
        guard withAddress(path, { connect(descriptor, $0, $1) }) == 0 else { return nil }
    }

    deinit {
        close(descriptor)
    }

    /// Blocks until the server has closed the connection.
    func waitForEnd() {
        var byte: UInt8 = 0
        while recv(descriptor, &byte, 1, 0) > 0 {}
    }
}

/// Calls `body` with the address of a Unix socket.
func withAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> some BinaryInteger) -> Int {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return withUnsafePointer(to: address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            Int(body($0, socklen_t(MemoryLayout<sockaddr_un>.size)))
        }
    }
}
