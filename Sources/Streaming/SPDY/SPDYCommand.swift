internal import NIOCore

/// A remote command's streams over SPDY: the client opens one for each, named by the header `streamtype`.
final class SPDYCommand: CommandConnection {
    private let version: Int
    private let error: SPDYStream
    private let input: SPDYStream?
    private let output: SPDYStream?
    private let errors: SPDYStream?
    private let sizes: SPDYStream?

    var stdin: ByteQueue? { input?.input }
    var resize: ByteQueue? { sizes?.input }

    /// Waits for the client to open the streams it announced.
    static func accept(_ session: SPDYSession, _ streams: StreamSet, version: Int) async throws -> SPDYCommand {
        var missing: Set<String> = ["error"]
        if streams.stdin { missing.insert("stdin") }
        if streams.stdout { missing.insert("stdout") }
        if streams.stderr && !streams.tty { missing.insert("stderr") }
        if streams.tty && version >= 3 { missing.insert("resize") }
        var found: [String: SPDYStream] = [:]
        for await stream in session.opened {
            let type = stream.headers["streamtype"] ?? ""
            guard missing.remove(type) != nil else { throw SPDYError("unexpected stream \(type)") }
            found[type] = stream
            if missing.isEmpty { break }
        }
        session.refuseMore()
        guard let error = found["error"], missing.isEmpty else {
            throw SPDYError("the client did not open its streams")
        }
        return SPDYCommand(version: version, error: error, found)
    }

    private init(version: Int, error: SPDYStream, _ streams: [String: SPDYStream]) {
        self.version = version
        self.error = error
        input = streams["stdin"]
        output = streams["stdout"]
        errors = streams["stderr"]
        sizes = streams["resize"]
    }

    func write(_ stream: OutputStream, _ bytes: ByteBuffer) async throws {
        try await (stream == .stdout ? output : errors)?.write(bytes)
    }

    func finishOutput() async throws {
        try await output?.finish()
        try await errors?.finish()
    }

    func finish(_ outcome: CommandOutcome) async throws {
        let text = version >= 4 ? outcome.status : outcome.plainText
        if !text.isEmpty { try await error.write(ByteBuffer(string: text)) }
        try await error.finish()
        try await input?.finish()
        try await sizes?.finish()
    }
}
