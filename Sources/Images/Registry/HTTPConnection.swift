internal import CCurl

/// A request over http or https.
struct HTTPRequest {
    var url: WebAddress
    var headers: [String] = []
    var authorization: Authorization?
    /// Posted when there is one.
    var form: String?
    var tls = TLSSettings()
    /// How long nothing may come, in seconds.
    var stallSeconds = 30
}

/// What proves who asks.
enum Authorization: Sendable {
    case basic(user: String, password: String)
    /// Until a time, or without end.
    case bearer(String, end: ContinuousClock.Instant?)

    var isCurrent: Bool {
        if case .bearer(_, let end?) = self { ContinuousClock.now < end } else { true }
    }
}

/// How a server proves who it is, and we.
struct TLSSettings: Sendable, Hashable {
    /// Certificates of authorities, in addition to the system's.
    var authorities: String?
    var certificate: String?
    var key: String?
    var skipsVerification = false
}

/// The head of an answer.
struct HTTPHead: Sendable {
    var status = 0
    /// Names in lower case.
    var headers: [(name: String, value: String)] = []

    subscript(name: String) -> String? { headers.first { $0.name == name }?.value }
}

/// Why there is no answer, or not all of one.
struct HTTPError: Error, CustomStringConvertible {
    var description: String
    /// Whether the server was never reached, so that the same request can only fail again.
    var isUnreachable = false
}

/// A connection to web servers by a libcurl handle; it stays open for the next request.
///
/// Requests block: a pull has a thread for each layer anyway, and what arrives is decompressed on it, so that a slow disk
/// holds the server back without buffers in between.
///
/// `@unchecked Sendable`: whoever takes it from the pool has it alone until it is given back.
final class HTTPConnection: @unchecked Sendable {
    typealias Sink = (HTTPHead, UnsafeRawBufferPointer) throws -> Void

    private let easy: UnsafeMutableRawPointer
    private static let libraryIsReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
    /// The most bytes of a head.
    private static let headLimit = 256 << 10

    init() throws {
        guard Self.libraryIsReady, let easy = curl_easy_init() else {
            throw ImageError(.failed, "libcurl: cannot be initialised")
        }
        self.easy = easy
    }

    deinit {
        curl_easy_cleanup(easy)
    }

    /// Sends a request, hands each part of the answer's body to `sink`, and answers the head. Redirects are answers.
    ///
    /// Throws ``HTTPError``, what `sink` throws, or `CancellationError`, within a second.
    func perform(_ request: HTTPRequest, _ cancellation: Cancellation, _ sink: Sink) throws -> HTTPHead {
        try withoutActuallyEscaping(sink) { sink in
            let exchange = Exchange(cancellation, sink)
            let list = configure(request, exchange)
            defer {
                curl_slist_free_all(list)
                // Forgets the pointers; connections stay.
                curl_easy_reset(easy)
            }
            let code = curl_easy_perform(easy)
            if let failure = exchange.failure { throw failure }
            guard code == CURLE_OK else {
                let unreachable = [CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_HOST, CURLE_PEER_FAILED_VERIFICATION]
                throw HTTPError(
                    description:
                        "\(request.url.host):\(request.url.port): \(String(cString: curl_easy_strerror(code)))",
                    isUnreachable: unreachable.contains(code))
            }
            return exchange.head
        }
    }

    /// One request's state while libcurl works on it.
    fileprivate final class Exchange {
        let cancellation: Cancellation
        let sink: Sink
        var head = HTTPHead()
        var headSize = 0
        var failure: (any Error)?

        init(_ cancellation: Cancellation, _ sink: @escaping Sink) {
            self.cancellation = cancellation
            self.sink = sink
        }

        func receiveHead(_ line: UnsafeRawBufferPointer) -> Int {
            headSize += line.count
            guard headSize <= HTTPConnection.headLimit else {
                failure = ImageError(.invalid, "the answer's head is too large")
                return 0
            }
            let text = String(decoding: line, as: UTF8.self)
            if text.hasPrefix("HTTP/") {
                let words = text.split(separator: " ")
                head = HTTPHead(status: words.count > 1 ? Int(words[1].prefix(3)) ?? 0 : 0)
            } else if let colon = text.firstIndex(of: ":") {
                let value = text[text.index(after: colon)...].trimmed
                head.headers.append((text[..<colon].lowercased(), value))
            }
            return line.count
        }

        func receiveBody(_ bytes: UnsafeRawBufferPointer) -> Int {
            do {
                try sink(head, bytes)
                return bytes.count
            } catch {
                failure = error
                return bytes.count + 1
            }
        }

        /// Whether to go on.
        func isWanted() -> Bool {
            do {
                try cancellation.check()
                return true
            } catch {
                failure = error
                return false
            }
        }
    }

    private func configure(_ request: HTTPRequest, _ exchange: Exchange) -> UnsafeMutablePointer<curl_slist>? {
        // Not retained: the exchange outlives the call of curl_easy_perform, and is not used after it.
        let context = Unmanaged.passUnretained(exchange).toOpaque()
        fender_curl_set_string(easy, CURLOPT_URL, request.url.description)
        fender_curl_set_string(easy, CURLOPT_PROTOCOLS_STR, "http,https")
        fender_curl_set_string(easy, CURLOPT_USERAGENT, "fender")
        fender_curl_set_long(easy, CURLOPT_NOSIGNAL, 1)
        fender_curl_set_long(easy, CURLOPT_CONNECTTIMEOUT, 15)
        fender_curl_set_long(easy, CURLOPT_LOW_SPEED_LIMIT, 1)
        fender_curl_set_long(easy, CURLOPT_LOW_SPEED_TIME, request.stallSeconds)
        fender_curl_set_long(easy, CURLOPT_BUFFERSIZE, 256 << 10)
        // What a proxy would take for its own machine.
        if request.url.isLoopback { fender_curl_set_string(easy, CURLOPT_PROXY, "") }
        fender_curl_set_cloexec(easy)
        fender_curl_set_pointer(easy, CURLOPT_HEADERDATA, context)
        fender_curl_set_function(
            easy, CURLOPT_HEADERFUNCTION,
            { bytes, size, count, context in
                current(context)?.receiveHead(UnsafeRawBufferPointer(start: bytes, count: size * count)) ?? 0
            })
        fender_curl_set_pointer(easy, CURLOPT_WRITEDATA, context)
        fender_curl_set_function(
            easy, CURLOPT_WRITEFUNCTION,
            { bytes, size, count, context in
                current(context)?.receiveBody(UnsafeRawBufferPointer(start: bytes, count: size * count)) ?? 0
            })
        fender_curl_set_progress(easy, { context, _, _, _, _ in current(context)?.isWanted() == true ? 0 : 1 }, context)
        setTLS(request.tls)
        if let form = request.form { fender_curl_set_string(easy, CURLOPT_COPYPOSTFIELDS, form) }
        var list: UnsafeMutablePointer<curl_slist>?
        for header in request.headers { list = curl_slist_append(list, header) }
        switch request.authorization {
        case .basic(let user, let password)?:
            // CURLAUTH_BASIC, a macro with a cast.
            fender_curl_set_long(easy, CURLOPT_HTTPAUTH, 1)
            fender_curl_set_string(easy, CURLOPT_USERNAME, user)
            fender_curl_set_string(easy, CURLOPT_PASSWORD, password)
        case .bearer(let token, _)?: list = curl_slist_append(list, "Authorization: Bearer \(token)")
        case nil: break
        }
        fender_curl_set_pointer(easy, CURLOPT_HTTPHEADER, list)
        return list
    }

    private func setTLS(_ tls: TLSSettings) {
        // The system's directory of authorities stays beside a file of others.
        if let file = tls.authorities { fender_curl_set_string(easy, CURLOPT_CAINFO, file) }
        if let file = tls.certificate { fender_curl_set_string(easy, CURLOPT_SSLCERT, file) }
        if let file = tls.key { fender_curl_set_string(easy, CURLOPT_SSLKEY, file) }
        fender_curl_set_long(easy, CURLOPT_SSL_VERIFYPEER, tls.skipsVerification ? 0 : 1)
        fender_curl_set_long(easy, CURLOPT_SSL_VERIFYHOST, tls.skipsVerification ? 0 : 2)
    }
}

private func current(_ context: UnsafeMutableRawPointer?) -> HTTPConnection.Exchange? {
    context.map { Unmanaged<HTTPConnection.Exchange>.fromOpaque($0).takeUnretainedValue() }
}

extension Substring {
    /// Without white space at its ends.
    var trimmed: String {
        var rest = self
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}
