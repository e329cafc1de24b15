internal import FoundationEssentials

/// Filters of list calls and events: name to accepted values.
public typealias DockerFilters = [String: [String]]

extension DockerEngine {
    private static let decoder = JSONDecoder()
    private static let encoder = JSONEncoder()

    /// Sends a request with the negotiated version and answers its 2xx or 304 response.
    ///
    /// A daemon that was replaced by one that does not speak our version any more is asked once again.
    @discardableResult
    func send(_ request: Request) async throws -> Response {
        let response = try await exchange(try await versioned(request))
        guard Self.refusesVersion(response) else { return try Self.accepted(response, of: request) }
        forgetVersion()
        return try Self.accepted(try await exchange(try await versioned(request)), of: request)
    }

    /// Sends a request and decodes its answer.
    func fetch<Answer: Decodable>(_ type: Answer.Type, _ request: Request) async throws -> Answer {
        try Self.decode(type, try await send(request).body, call: request.name)
    }

    /// Sends a request whose answer is a stream; returns when its head is there.
    func open(_ request: Request) async throws -> BodyStream {
        let first = try await exchangeStream(try await versioned(request))
        guard case .refused(let response) = first, Self.refusesVersion(response) else {
            return try Self.accepted(first, of: request)
        }
        forgetVersion()
        return try Self.accepted(try await exchangeStream(try await versioned(request)), of: request)
    }

    /// One exchange without version handling.
    func exchange(_ request: Request) async throws -> Response {
        try await noting(request) { try await self.curl.perform(request) }
    }

    private func exchangeStream(_ request: Request) async throws -> StreamResponse {
        try await noting(request) { try await self.curl.open(request) }
    }

    /// Keeps the negotiated version true to what an exchange tells, and tells the observer.
    func noting<Answer: Versioned>(
        _ request: Request, _ exchange: () async throws -> Answer
    ) async throws -> Answer {
        let start = ContinuousClock.now
        var status: Int?
        defer { observer?(Exchange(route: request.route, status: status, duration: start.duration(to: .now))) }
        do {
            let answer = try await exchange()
            status = answer.status
            if let version = answer.apiVersion.flatMap({ APIVersion($0) }) { learn(daemonVersion: version) }
            return answer
        } catch let error as DockerError {
            if error.kind == .unavailable { forgetVersion() }
            throw error
        }
    }

    /// The request under the negotiated version's prefix.
    func versioned(_ request: Request) async throws -> Request {
        var request = request
        request.path = "/v\(try await apiVersion)\(request.path)"
        return request
    }

    static func refusesVersion(_ response: Response) -> Bool {
        response.status == 400 && response.dockerMessage.hasPrefix("client version ")
    }

    /// The response, unless its status is an error.
    static func accepted(_ response: Response, of request: Request) throws -> Response {
        if (200..<300).contains(response.status) || response.status == 304 { return response }
        if refusesVersion(response) {
            throw DockerError(
                .unsupported, status: response.status, message: response.dockerMessage, call: request.name)
        }
        throw DockerError(status: response.status, message: response.dockerMessage, call: request.name)
    }

    private static func accepted(_ response: StreamResponse, of request: Request) throws -> BodyStream {
        switch response {
        case .body(let stream, apiVersion: _): return stream
        case .refused(let response):
            _ = try accepted(response, of: request)
            throw DockerError(.decoding, status: response.status, message: "no stream", call: request.name)
        }
    }

    /// JSON to a value; ``DockerError/Kind/decoding`` says where it does not fit.
    static func decode<Answer: Decodable>(_ type: Answer.Type, _ bytes: [UInt8], call: String) throws -> Answer {
        do {
            return try decoder.decode(type, from: Data(bytes))
        } catch {
            throw DockerError(.decoding, message: "unexpected answer: \(describe(error))", call: call)
        }
    }

    /// A value to JSON.
    static func encode(_ value: some Encodable) throws -> [UInt8] {
        do {
            return [UInt8](try encoder.encode(value))
        } catch {
            throw DockerError(.badRequest, message: "cannot be encoded: \(describe(error))")
        }
    }

    private static func describe(_ error: any Error) -> String {
        switch error {
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
            DecodingError.keyNotFound(_, let context), DecodingError.dataCorrupted(let context):
            let place = context.codingPath.map(\.stringValue).joined(separator: ".")
            return place.isEmpty ? context.debugDescription : "\(place): \(context.debugDescription)"
        default:
            return "\(error)"
        }
    }
}

/// An answer with a status that may name the daemon's version.
protocol Versioned {
    var apiVersion: String? { get }
    var status: Int { get }
}

extension Response: Versioned {}

extension Response {
    /// The text of `{"message": …}`, or the body's beginning where Docker did not write it.
    var dockerMessage: String {
        struct Message: Decodable {
            var message: String?
        }
        if let text = try? DockerEngine.decode(Message.self, body, call: "").message, !text.isEmpty { return text }
        let text = String(decoding: body.prefix(512), as: UTF8.self)
        return text.isEmpty ? "status \(status)" : text
    }
}

extension Request {
    /// Gives the request a JSON body.
    mutating func setBody(_ value: some Encodable) throws {
        body = .json(try DockerEngine.encode(value))
    }

    /// Adds `filters=` as the JSON that Docker expects; no filters add nothing.
    mutating func add(filters: DockerFilters) throws {
        guard !filters.isEmpty else { return }
        add("filters", String(decoding: try DockerEngine.encode(filters), as: UTF8.self))
    }

    /// Adds the credentials for a registry; nil adds nothing.
    mutating func add(auth: Docker.AuthConfig?) throws {
        guard let auth else { return }
        let base64 = Data(try DockerEngine.encode(auth)).base64EncodedString()
        headers.append("X-Registry-Auth: " + base64.map { $0 == "+" ? "-" : $0 == "/" ? "_" : "\($0)" }.joined())
    }
}
