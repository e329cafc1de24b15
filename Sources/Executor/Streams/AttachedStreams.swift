internal import Glibc
internal import Linux

/// The streams of a container's own process for tasks: one reads, another may write and resize.
public final class AttachedStreams: Sendable {
    private let loop: ReadinessLoop
    private let container: Container
    private let attachment: AttachedClient
    /// The same socket: one task may wait to read it and another to write.
    private let reading: ReadinessLoop.End
    private let writing: ReadinessLoop.End

    /// Takes the attachment, of that container.
    public init(_ attachment: consuming AttachedClient, of container: Container, loop: ReadinessLoop) throws {
        self.loop = loop
        self.container = container
        reading = ReadinessLoop.End(try attachment.socket.duplicate())
        writing = ReadinessLoop.End(try attachment.socket.duplicate())
        self.attachment = attachment
    }

    /// The next message; `.end` when the process has ended.
    public func read() async throws -> AttachedClient.Message {
        while true {
            if let message = try attachment.receive() { return message }
            try await loop.ready([reading], for: .readable)
        }
    }

    /// Sends input; waits while the process does not take it. After the process's end it is forgotten.
    public func write(_ bytes: [UInt8]) async throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            do {
                guard try attachment.send(rest) else {
                    try await loop.ready([writing], for: .writable)
                    continue
                }
            } catch let error as SystemError where error.code == EPIPE || error.code == ECONNRESET {
                return
            }
            rest = rest.dropFirst(AttachedClient.inputLimit)
        }
    }

    /// No more input comes from this client.
    public func closeInput() async throws {
        while try !attachment.closeInput() { try await loop.ready([writing], for: .writable) }
    }

    /// Ends the attachment: who reads is told `.end`. The container goes on.
    public func end() { shutdown(attachment.socket.raw, CInt(SHUT_RDWR)) }

    /// Sets the terminal's size in characters. Connects anew, on a thread of its own: input that the process does not
    /// take must not hold it up.
    public func resize(width: UInt16, height: UInt16) async throws {
        let container = container
        try await DedicatedThread.run { try container.resize(rows: height, columns: width) }
    }
}
