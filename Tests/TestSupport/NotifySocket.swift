import Dispatch
import Glibc

/// The receiving end of systemd's notification protocol, sd_notify(3).
final class NotifySocket: Sendable {
    let path: String
    private let descriptor: CInt

    init(path: String) throws {
        self.path = path
        unlink(path)
        descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        guard Self.with(address, { bind(descriptor, $0, $1) }) == 0 else {
            throw DockerDaemon.Failure(description: "bind \(path): \(String(cString: strerror(errno)))")
        }
    }

    deinit {
        close(descriptor)
    }

    /// Sends a message to the socket itself.
    func tell(_ message: String) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        _ = Self.with(address) { sendto(descriptor, message, message.utf8.count, 0, $0, $1) }
    }

    /// Waits for a message that has one of these lines.
    func first(of lines: [String]) async -> String {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                var buffer = [UInt8](repeating: 0, count: 4096)
                while true {
                    let count = recv(self.descriptor, &buffer, buffer.count, 0)
                    let text = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
                    let found = text.split(separator: "\n").first { lines.contains(String($0)) }
                    if let found { return continuation.resume(returning: String(found)) }
                }
            }
        }
    }

    private static func with(
        _ address: sockaddr_un, _ body: (UnsafePointer<sockaddr>, socklen_t) -> some BinaryInteger
    ) -> Int {
        withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Int(body($0, socklen_t(MemoryLayout<sockaddr_un>.size)))
            }
        }
    }
}
