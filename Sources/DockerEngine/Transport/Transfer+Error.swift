internal import CCurl
internal import Glibc

extension Transfer {
    /// The failure that libcurl's code stands for.
    func error(for code: CURLcode, endpoint: DockerEndpoint) -> any Error {
        if isCancelled { return CancellationError() }
        if let failure { return failure }
        return DockerError(kind(of: code), message: text(for: code, endpoint), call: request.name)
    }

    private func kind(of code: CURLcode) -> DockerError.Kind {
        switch code {
        case CURLE_OPERATION_TIMEDOUT: wasSent ? .timeout : .unavailable
        case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL, CURLE_BAD_CONTENT_ENCODING: .decoding
        case CURLE_URL_MALFORMAT: .badRequest
        default: .unavailable
        }
    }

    /// Whether a connection was there to send the request on.
    private var wasSent: Bool {
        guard let easy else { return false }
        var bytes = 0
        fender_curl_get_long(easy, CURLINFO_REQUEST_SIZE, &bytes)
        return bytes > 0
    }

    private func text(for code: CURLcode, _ endpoint: DockerEndpoint) -> String {
        let detail = errorText.map { String(cString: $0) } ?? ""
        let text = detail.isEmpty ? String(cString: curl_easy_strerror(code)) : detail
        guard code == CURLE_COULDNT_CONNECT else { return "\(endpoint): \(text)" }
        var number = 0
        if let easy { fender_curl_get_long(easy, CURLINFO_OS_ERRNO, &number) }
        let reason = number == 0 ? text : String(cString: strerror(CInt(number)))
        return "cannot connect to \(endpoint): \(reason)"
    }
}
