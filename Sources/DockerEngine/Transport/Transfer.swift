internal import CCurl
internal import Synchronization

/// One request in libcurl's hands.
///
/// `@unchecked Sendable`: until it is submitted only its caller has it, from then on only the loop's thread touches
/// it, but for `cancelled` and `channel`, which have locks of their own.
final class Transfer: @unchecked Sendable {
    enum Outcome: Sendable {
        case whole(Response)
        /// A 2xx head; the body goes to ``channel``.
        case head(Response)
    }

    let request: Request
    /// Whether the body is a stream, unless it is an error's.
    let streams: Bool
    /// Where a stream's body goes.
    let channel = BodyChannel()

    var easy: UnsafeMutableRawPointer?
    var headers: UnsafeMutablePointer<curl_slist>?
    var errorText: UnsafeMutablePointer<CChar>?
    var response = Response()
    /// Why a callback of ours stopped the transfer.
    var failure: DockerError?

    private let cancelled = Atomic(false)
    private var continuation: CheckedContinuation<Outcome, any Error>?
    private var body: [UInt8] = []
    private var deliversToChannel = false

    init(request: Request, streams: Bool) {
        self.request = request
        self.streams = streams
    }

    /// Makes the loop drop the transfer even when it sees the command before the transfer.
    func cancel() {
        cancelled.store(true, ordering: .releasing)
    }

    var isCancelled: Bool { cancelled.load(ordering: .acquiring) }

    func begin(_ continuation: CheckedContinuation<Outcome, any Error>) {
        self.continuation = continuation
    }

    /// The transfer is done and out of libcurl.
    func finish() {
        channel.finish(nil)
        response.body = body
        resume(.success(.whole(response)))
    }

    /// The transfer failed and is out of libcurl.
    func finish(throwing error: any Error) {
        channel.finish(error)
        resume(.failure(error))
    }

    private func resume(_ result: Result<Outcome, any Error>) {
        continuation?.resume(with: result)
        continuation = nil
    }

    // Called by libcurl.

    /// A line of the head, with its line end.
    func receiveHead(_ line: UnsafeRawBufferPointer) {
        let text = String(decoding: line, as: UTF8.self)
        if text.hasPrefix("HTTP/") {
            let words = text.split(separator: " ")
            response = Response()
            response.status = words.count > 1 ? Int(words[1]) ?? 0 : 0
        } else if text == "\r\n" || text == "\n" {
            finishHead()
        } else if let colon = text.firstIndex(of: ":"), text[..<colon].lowercased() == "api-version" {
            response.apiVersion = String(text[text.index(after: colon)...].filter { !$0.isWhitespace })
        }
    }

    private func finishHead() {
        guard streams, (200..<300).contains(response.status) else { return }
        deliversToChannel = true
        resume(.success(.head(response)))
    }

    /// Bytes of the body; answers what CURLOPT_WRITEFUNCTION answers.
    func receiveBody(_ bytes: UnsafeRawBufferPointer) -> Int {
        if deliversToChannel {
            switch channel.push(bytes) {
            case .taken: return bytes.count
            case .full: return Int(CURL_WRITEFUNC_PAUSE)
            case .closed: return Int(CURL_WRITEFUNC_ERROR)
            }
        }
        guard body.count + bytes.count <= request.responseLimit else {
            failure = DockerError(
                .decoding, status: response.status, message: "the answer is larger than \(request.responseLimit) bytes",
                call: request.name)
            return Int(CURL_WRITEFUNC_ERROR)
        }
        body.append(contentsOf: bytes)
        return bytes.count
    }

    /// Fills a part of the body to send; answers what CURLOPT_READFUNCTION answers.
    func sendBody(_ room: UnsafeMutableRawBufferPointer) -> Int {
        guard case .upload(let upload, _) = request.body else { return 0 }
        return switch upload.take(into: room) {
        case .bytes(let count): count
        case .end: 0
        case .wait: Int(CURL_READFUNC_PAUSE)
        case .abort: Int(CURL_READFUNC_ABORT)
        }
    }
}
