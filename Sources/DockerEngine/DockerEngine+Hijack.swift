extension DockerEngine {
    /// Sends a request whose connection becomes a process's streams.
    func hijack(_ request: Request, tty: Bool) async throws -> HijackedStream {
        for isLast in [false, true] {
            let answer = try await hijackOnce(try await versioned(request), tty: tty)
            switch answer {
            case .stream(let stream, apiVersion: _):
                return stream
            case .refused(let response):
                if Self.refusesVersion(response) && !isLast {
                    forgetVersion()
                    continue
                }
                _ = try Self.accepted(response, of: request)
                throw DockerError(.decoding, status: response.status, message: "no stream", call: request.name)
            }
        }
        throw DockerError(.unsupported, message: "no common API version", call: request.name)
    }

    private enum Answer: Versioned, Sendable {
        /// Owns the connection, so that an answer nobody takes closes it.
        case stream(HijackedStream, apiVersion: String?)
        case refused(Response)

        var apiVersion: String? {
            switch self {
            case .stream(_, let version): version
            case .refused(let response): response.apiVersion
            }
        }

        var status: Int {
            if case .refused(let response) = self { response.status } else { 101 }
        }
    }

    private func hijackOnce(_ request: Request, tty: Bool) async throws -> Answer {
        let (endpoint, loop, bytes) = (endpoint, hijacks, Self.hijackRequest(request))
        return try await noting(request) {
            do {
                return try await withDeadline(request.deadline, call: request.name) {
                    let socket = try await HijackSocket.connect(to: endpoint)
                    let connection = HijackConnection(owning: socket, sending: bytes, loop: loop)
                    switch try await connection.open() {
                    case .refused(let response): return Answer.refused(response)
                    case .hijacked(let head):
                        // Below API 1.42 the type is the same for both kinds of stream.
                        let type = head.fields["content-type"] ?? ""
                        let isMultiplexed = type.hasPrefix("application/vnd.docker.multiplexed-stream") || !tty
                        let stream = HijackedStream(connection: connection, isMultiplexed: isMultiplexed)
                        return .stream(stream, apiVersion: head.fields["api-version"])
                    }
                }
            } catch var error as DockerError {
                if error.call.isEmpty { error.call = request.name }
                throw error
            }
        }
    }

    private static func hijackRequest(_ request: Request) -> [UInt8] {
        var body: [UInt8] = []
        if case .json(let bytes) = request.body { body = bytes }
        let target = request.query.isEmpty ? request.path : request.path + "?" + request.query
        let lines = [
            "\(request.method.rawValue) \(target) HTTP/1.1", "Host: docker", "User-Agent: fender",
            "Connection: Upgrade", "Upgrade: tcp", "Content-Type: application/json", "Content-Length: \(body.count)",
        ]
        return Array((lines + request.headers + ["", ""]).joined(separator: "\r\n").utf8) + body
    }
}
