internal import CExecutor
internal import Glibc
internal import Linux
internal import OCI

/// Path sockets that others listen on.
enum UnixSocket {
    /// Connects; the caller closes the descriptor.
    static func connect(_ path: String) throws -> CInt {
        let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        let socket = Descriptor(owning: try system("socket") { Glibc.socket(AF_UNIX, kind, 0) })
        try connect(socket, path, name: path)
        return socket.release()
    }

    /// Connects a socket; `name` is what an error calls the path.
    static func connect(_ socket: borrowing Descriptor, _ path: String, name: String) throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw SystemError(call: "connect", object: name, code: ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let raw = socket.raw
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        try system("connect", name) {
            withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(raw, $0, size) }
            }
        }
    }
}

/// Gives a seccomp listener to the agent that the specification names (config-linux.md, "listenerPath").
enum SeccompListener {
    static func send(_ listener: CInt, _ spec: Spec, _ state: State) throws {
        let file = Descriptor(owning: listener)
        guard let path = spec.linux.seccomp?.listenerPath, !path.isEmpty else {
            throw SpecError("linux.seccomp.listenerPath", "is missing")
        }
        let socket = Descriptor(owning: try UnixSocket.connect(path))
        let message = JSON.compact([
            ("ociVersion", .string(state.version)), ("fds", .array([.string("seccompFd")])),
            ("pid", .integer(state.pid)), ("metadata", .string(spec.linux.seccomp?.listenerMetadata ?? "")),
            ("state", state.json()),
        ]).bytes
        let (target, sent) = (socket.raw, file.raw)
        _ = try message.withUnsafeBytes { bytes in
            try system("send", path) { fender_send_descriptor(target, bytes.baseAddress, bytes.count, sent) }
        }
    }
}
