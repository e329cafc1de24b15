internal import Synchronization

/// The body of an answer while it arrives, read by lines. The transfer ends when the stream is dropped.
final class BodyStream: Sendable {
    /// Longest line, in bytes; an event carries all labels of its container.
    private static let lineLimit = 4 << 20

    fileprivate struct Lines {
        var bytes: [UInt8] = []
        /// What is before it has been handed out.
        var start = 0
        /// What is before it holds no line end.
        var scanned = 0
        var ended = false
    }

    private let transfer: Transfer
    private let loop: CurlLoop
    private let lines = Mutex(Lines())

    init(transfer: Transfer, loop: CurlLoop) {
        self.transfer = transfer
        self.loop = loop
    }

    deinit {
        close()
    }

    func close() {
        transfer.channel.close()
        transfer.cancel()
        loop.submit(.cancel(transfer))
    }

    /// The next line without its end; nil at the end. A last line without an end counts.
    func nextLine() async throws -> [UInt8]? {
        while true {
            try Task.checkCancellation()
            let (line, ended) = try lines.withLock { lines in (try lines.next(limit: Self.lineLimit), lines.ended) }
            if line != nil || ended { return line }
            let bytes = try await read()
            lines.withLock { lines in
                if let bytes { lines.append(bytes) } else { lines.ended = true }
            }
        }
    }

    /// What has arrived, at least a byte; nil at the end. Not to be mixed with lines.
    func read() async throws -> [UInt8]? {
        while true {
            do {
                switch try transfer.channel.take() {
                case .bytes(let bytes, let resume):
                    if resume { loop.submit(.resume(transfer)) }
                    return bytes
                case .end: return nil
                case .nothing: break
                }
            } catch {
                try Task.checkCancellation()
                throw error
            }
            await withTaskCancellationHandler {
                await transfer.channel.wait()
            } onCancel: {
                close()
            }
        }
    }
}

extension BodyStream.Lines {
    mutating func append(_ more: [UInt8]) {
        if start > 0 {
            bytes.removeFirst(start)
            scanned -= start
            start = 0
        }
        bytes += more
    }

    /// The next whole line, or at the end what is left; nil when more bytes are needed.
    mutating func next(limit: Int) throws -> [UInt8]? {
        guard let end = bytes[scanned...].firstIndex(of: UInt8(ascii: "\n")) else {
            scanned = bytes.count
            guard bytes.count - start <= limit else {
                throw DockerError(.decoding, message: "a line is longer than \(limit) bytes")
            }
            guard ended, start < bytes.count else { return nil }
            defer { start = bytes.count }
            return Array(bytes[start...])
        }
        defer {
            start = end + 1
            scanned = start
        }
        let hasReturn = end > start && bytes[end - 1] == UInt8(ascii: "\r")
        return Array(bytes[start..<(hasReturn ? end - 1 : end)])
    }
}
