internal import NIOCore

/// The streams of a remote command on any wire: SPDY streams or WebSocket channels.
protocol CommandConnection: Sendable {
    /// What the client types; nil when the client has no input stream.
    var stdin: ByteQueue? { get }
    /// Sizes of the client's terminal as they come, as JSON bytes; nil when it has none.
    var resize: ByteQueue? { get }
    func write(_ stream: OutputStream, _ bytes: ByteBuffer) async throws
    /// The outputs have ended.
    func finishOutput() async throws
    /// Tells how the command ended, and ends the connection.
    func finish(_ outcome: CommandOutcome) async throws
}

/// How a command ended, as the error stream tells it.
enum CommandOutcome: Sendable, Equatable {
    case success
    case exited(Int32)
    case failed(String)

    /// The `metav1.Status` of protocol v4 and later.
    var status: String {
        switch self {
        case .success: return #"{"metadata":{},"status":"Success"}"#
        case .exited(let code):
            return #"{"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code: "#
                + #"exit status \#(code)","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","#
                + #""message":"\#(code)"}]}}"#
        case .failed(let text):
            return #"{"metadata":{},"status":"Failure","message":"Internal error occurred: \#(Self.escape(text))","#
                + #""reason":"InternalError","code":500}"#
        }
    }

    /// What the protocols before v4 tell: nothing unless it failed.
    var plainText: String {
        switch self {
        case .success: ""
        case .exited(let code): "command terminated with non-zero exit code: exit status \(code)"
        case .failed(let text): text
        }
    }

    private static func escape(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": escaped += "\\\""
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case _ where scalar.value < 0x20: escaped += " "
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}

/// Terminal sizes, `{"Width":80,"Height":24}` one after the other, cut anywhere.
struct ResizeDecoder {
    /// The most bytes of one size.
    private static let objectLimit = 256
    /// The fewest: `"Width":1"Height":1`.
    private static let shortest = 19

    private var pending: [UInt8] = []

    /// The sizes that `bytes` completes. Sizes of 0 and what is no size are left out.
    mutating func take(_ bytes: ByteBuffer) -> [(width: UInt16, height: UInt16)] {
        var sizes: [(UInt16, UInt16)] = []
        for byte in bytes.readableBytesView {
            // An object that does not end is no terminal size.
            if pending.count == Self.objectLimit { pending.removeAll(keepingCapacity: true) }
            pending.append(byte)
            guard byte == UInt8(ascii: "}") else { continue }
            if let size = Self.size(pending) { sizes.append(size) }
            pending.removeAll(keepingCapacity: true)
        }
        return sizes
    }

    private static func size(_ object: [UInt8]) -> (width: UInt16, height: UInt16)? {
        guard object.count >= Self.shortest else { return nil }
        let object = String(decoding: object, as: UTF8.self)
        guard let width = Self.number("Width", in: object), let height = Self.number("Height", in: object),
            width > 0, height > 0
        else { return nil }
        return (width, height)
    }

    private static func number(_ name: String, in object: String) -> UInt16? {
        let quoted = "\"\(name.lowercased())\""
        let text = object.lowercased()
        guard let range = text.firstRange(of: quoted) else { return nil }
        let rest = text[range.upperBound...].drop { $0 == ":" || $0.isWhitespace }
        return UInt16(rest.prefix { $0.isASCII && $0.isNumber })
    }
}

/// Connects a process to a client until either has ended.
struct CommandPump {
    let process: any StreamedProcess
    let connection: any CommandConnection

    /// Returns when the process has ended and the client knows. Throws when the client went away.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            if let stdin = connection.stdin {
                group.addTask { try await self.pumpInput(stdin) }
            }
            if let resize = connection.resize {
                group.addTask { try await self.pumpSizes(resize) }
            }
            defer { group.cancelAll() }
            // The helpers' failure (a process that reads no more) is not the connection's end; the output decides.
            while let (stream, bytes) = try await process.read() {
                try await connection.write(stream, ByteBuffer(bytes: bytes))
            }
            try await connection.finishOutput()
            let code = try await process.exitCode()
            try await connection.finish(code.map { $0 == 0 ? .success : .exited($0) } ?? .success)
        }
    }

    private func pumpInput(_ stdin: ByteQueue) async throws {
        while let bytes = try await stdin.next() {
            do {
                try await process.write(Array(bytes.readableBytesView))
            } catch {
                // It has closed its input; like a pipe's reader that left.
                return
            }
        }
        try? await process.closeInput()
    }

    private func pumpSizes(_ resize: ByteQueue) async throws {
        var decoder = ResizeDecoder()
        while let bytes = try await resize.next() {
            for size in decoder.take(bytes) {
                try? await process.resize(width: size.width, height: size.height)
            }
        }
    }
}
