internal import Logging
internal import OCI
internal import Synchronization

/// Asks one of a registry's hosts about one repository (OCI distribution specification).
///
/// Calls block, and can be made from several threads at a time.
final class RegistryClient: Sendable {
    let host: RegistryHost
    let repository: String
    private let credentials: RegistryCredentials?
    private let settings: ImageStoreSettings
    private let logger: Logger
    /// What the registry wants to hear, found out by its first refusal.
    private let authorization = Mutex<Authorization?>(nil)
    private let idle = Mutex<[HTTPConnection]>([])

    private static let redirectLimit = 10
    /// What is read of an answer that is an error, in bytes.
    private static let complaintLimit = 8_192

    init(
        _ host: RegistryHost, repository: String, credentials: RegistryCredentials?, settings: ImageStoreSettings,
        logger: Logger
    ) {
        self.host = host
        self.repository = repository
        self.credentials = host.mirrored == nil ? credentials : nil
        self.settings = settings
        self.logger = logger
    }

    /// Asks for something of the repository; the body of an answer in `success` goes to `sink`.
    ///
    /// Throws ``ImageError`` for any other answer, `HTTPError` when the answer breaks off, or what `sink` throws.
    @discardableResult
    func get(
        _ path: String, headers: [String] = [], success: Set<Int> = [200], _ cancellation: Cancellation,
        _ sink: (HTTPHead, UnsafeRawBufferPointer) throws -> Void
    ) throws -> HTTPHead {
        let address = try host.address(repository, path)
        for attempt in 1... {
            var complaint: [UInt8] = []
            let head = try authorized(address, headers, cancellation) { head, bytes in
                if success.contains(head.status) { return try sink(head, bytes) }
                complaint += bytes.prefix(max(0, Self.complaintLimit - complaint.count))
            }
            if success.contains(head.status) { return head }
            let error = refusal(head, complaint, path)
            guard error.code == .registryUnavailable, attempt < settings.attempts,
                let delay = RetryDelay(head, attempt: attempt).milliseconds
            else { throw error }
            logger.info(
                "a registry asks to be tried again",
                metadata: ["host": "\(host.base.host)", "status": "\(head.status)", "milliseconds": "\(delay)"])
            try cancellation.sleep(milliseconds: delay)
        }
        throw CancellationError()
    }

    /// Sends a request with what the registry wants to hear, which is found out anew when it refuses that.
    private func authorized(
        _ address: WebAddress, _ headers: [String], _ cancellation: Cancellation, _ sink: HTTPConnection.Sink
    ) throws -> HTTPHead {
        for round in 0... {
            let current = authorization.withLock { $0?.isCurrent == true ? $0 : nil }
            var refusal: [UInt8] = []
            let head = try redirected(address, headers, current, cancellation) { head, bytes in
                if head.status != 401 { return try sink(head, bytes) }
                refusal += bytes.prefix(max(0, Self.complaintLimit - refusal.count))
            }
            guard head.status == 401 else { return head }
            guard round < 2, let challenge = Challenge(head),
                let next = try answer(challenge, after: current, cancellation)
            else {
                try refusal.withUnsafeBytes { try sink(head, $0) }
                return head
            }
            authorization.withLock { $0 = next }
        }
        throw CancellationError()
    }

    /// Sends a request and follows redirects; another server than the registry is told no secret.
    private func redirected(
        _ address: WebAddress, _ headers: [String], _ authorization: Authorization?, _ cancellation: Cancellation,
        _ sink: HTTPConnection.Sink
    ) throws -> HTTPHead {
        var url = address
        for _ in 0...Self.redirectLimit {
            var request = HTTPRequest(url: url, headers: headers, stallSeconds: settings.stallSeconds)
            if url.isSameServer(as: host.base) {
                request.tls = host.tls
                request.headers += host.headers
                request.authorization = authorization
            }
            let head = try send(request, cancellation) { head, bytes in
                if !head.isRedirect { try sink(head, bytes) }
            }
            guard head.isRedirect, let location = head["location"] else { return head }
            guard let next = WebAddress(location, relativeTo: url) else {
                throw ImageError(.invalid, "the registry leads to \(location.prefix(300).debugDescription)")
            }
            guard next.scheme == "https" || url.scheme == "http" else {
                throw ImageError(.invalid, "the registry leads from https to \(next.host) without")
            }
            url = next
        }
        throw ImageError(.invalid, "the registry leads from one place to the next, \(Self.redirectLimit) times")
    }

    /// Sends one request on a connection that is free.
    private func send(
        _ request: HTTPRequest, _ cancellation: Cancellation, _ sink: HTTPConnection.Sink
    ) throws -> HTTPHead {
        let connection = try idle.withLock { $0.popLast() } ?? HTTPConnection()
        defer { idle.withLock { $0.append(connection) } }
        var ignorable = 0
        return try connection.perform(request, cancellation) { head, bytes in
            if ![200, 206].contains(head.status) {
                ignorable += bytes.count
                guard ignorable <= 1 << 20 else {
                    throw ImageError(.invalid, "an answer of \(head.status) without end")
                }
            }
            try sink(head, bytes)
        }
    }
}

extension RegistryClient {
    /// What to say to a challenge; nil when there is nothing more to say.
    private func answer(
        _ challenge: Challenge, after tried: Authorization?, _ cancellation: Cancellation
    ) throws -> Authorization? {
        switch (challenge, credentials) {
        case (_, .registryToken(let token)?):
            return tried == nil ? .bearer(token, end: nil) : nil
        case (.basic, .password(let user, let password)?):
            return tried == nil ? .basic(user: user, password: password) : nil
        case (.basic, _):
            return nil
        case (.bearer(let realm, let service, let scope), _):
            return try token(realm, service, scope ?? "repository:\(repository):pull", cancellation)
        }
    }

    /// Gets a token from the token server.
    private func token(
        _ realm: String, _ service: String?, _ scope: String, _ cancellation: Cancellation
    ) throws -> Authorization {
        guard let address = WebAddress(realm), address.scheme == "https" || host.base.scheme == "http" else {
            throw ImageError(
                .invalid, "the registry asks to have credentials sent to \(realm.prefix(300).debugDescription)")
        }
        var fields = [("scope", scope)]
        if let service { fields.append(("service", service)) }
        var request = HTTPRequest(url: address, stallSeconds: settings.stallSeconds)
        if address.isSameServer(as: host.base) { request.tls = host.tls }
        if case .identityToken(let token)? = credentials {
            fields += [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", "fender")]
            request.form = fields.map { "\($0)=\($1.percentEncoded)" }.joined(separator: "&")
        } else {
            let query = fields.map { "\($0)=\($1.percentEncoded)" }.joined(separator: "&")
            let mark = realm.contains("?") ? "&" : "?"
            guard let whole = WebAddress("\(address)\(mark)\(query)") else {
                throw ImageError(.invalid, "the token server has no address")
            }
            request.url = whole
            if case .password(let user, let password)? = credentials {
                request.authorization = .basic(user: user, password: password)
            }
        }
        return try fetchToken(request, cancellation)
    }

    private func fetchToken(_ request: HTTPRequest, _ cancellation: Cancellation) throws -> Authorization {
        var body: [UInt8] = []
        let head = try send(request, cancellation) { _, bytes in
            guard body.count + bytes.count <= 1 << 20 else { throw ImageError(.invalid, "the token is too large") }
            body += bytes
        }
        guard head.status == 200 else { throw refusal(head, body, "a token") }
        let field = Field(try JSON(parsing: body))
        guard let token = try field["token"].string() ?? field["access_token"].string(),
            token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
        else { throw ImageError(.invalid, "the token server sends no token") }
        // At least a minute, by the specification.
        let seconds = max(60, try field["expires_in"].integer(Int.self) ?? 60)
        return .bearer(token, end: .now + .seconds(min(seconds, 86_400) - 5))
    }

    /// The error that an answer stands for.
    private func refusal(_ head: HTTPHead, _ body: [UInt8], _ what: String) -> ImageError {
        let code: ImageError.Code =
            switch head.status {
            case 401, 403: .unauthorized
            case 404: .notFound
            case 408, 425, 429, 500...599: .registryUnavailable
            default: .failed
            }
        let errors = (try? JSON(parsing: body)).map { Field($0)["errors"] }
        let texts = (try? errors?.array { (try? $0["message"].string() ?? $0["code"].string()) ?? "" }) ?? []
        let text = texts.isEmpty ? "" : ": \(texts.joined(separator: ", ").prefix(300))"
        return ImageError(code, "\(host.base.host) answers \(head.status) for \(what)\(text)")
    }
}

extension HTTPHead {
    fileprivate var isRedirect: Bool { [301, 302, 303, 307, 308].contains(status) }
}
