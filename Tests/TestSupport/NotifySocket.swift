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
        guard withAddress(path, { bind(descriptor, $0, $1) }) == 0 else {
            throw DockerDaemon.Failure(description: "bind \(path): \(String(cString: strerror(errno)))")
        }
    }

    deinit {
        close(descriptor)
    }

    /// Sends a message to the socket itself.
    func tell(_ message: String) {
        _ = withAddress(path) { sendto(descriptor, message, message.utf8.count, 0, $0, $1) }
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
}
