internal import Executor
internal import Glibc
internal import Linux
internal import OCI

/// runc's log: where containerd and Docker look for the reason of a failure.
struct Log: Sendable {
    var path: String?
    var isJSON = false

    /// Writes one line; a log that can't be written stops nothing.
    func write(_ level: String, _ message: String) {
        guard let path, !path.isEmpty else { return }
        let time = Timestamp.now()
        let line =
            isJSON
            ? JSON.compact([("level", .string(level)), ("msg", .string(message)), ("time", .string(time))]).description
            : "time=\(JSON.string(time)) level=\(level) msg=\(JSON.string(message))"
        guard let file = try? Descriptor.open(path, O_WRONLY | O_CREAT | O_APPEND, mode: 0o644) else { return }
        try? Array("\(line)\n".utf8).withUnsafeBytes { try file.writeAll($0) }
    }

    func warn(_ message: String) { write("warning", message) }
}

/// Writes to stdout or stderr as write(2) does.
enum Output {
    static func line(_ text: String, to file: CInt = STDOUT_FILENO) {
        var bytes = Array("\(text)\n".utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0 && errno != EINTR { return }
            if count > 0 { bytes = bytes.dropFirst(count) }
        }
    }
}
