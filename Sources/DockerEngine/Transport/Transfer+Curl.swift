internal import CCurl
internal import Glibc

extension Transfer {
    /// Makes the easy handle. `dispose` gives back what it holds, whatever the outcome.
    func prepare(for endpoint: DockerEndpoint) -> UnsafeMutableRawPointer? {
        guard let easy = curl_easy_init() else { return nil }
        self.easy = easy
        let text = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
        text.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        errorText = text
        let context = Unmanaged.passRetained(self).toOpaque()
        fender_curl_set_pointer(easy, CURLOPT_PRIVATE, context)
        fender_curl_set_pointer(easy, CURLOPT_ERRORBUFFER, text)
        fender_curl_set_pointer(easy, CURLOPT_WRITEDATA, context)
        fender_curl_set_function(easy, CURLOPT_WRITEFUNCTION, onBody)
        fender_curl_set_pointer(easy, CURLOPT_HEADERDATA, context)
        fender_curl_set_function(easy, CURLOPT_HEADERFUNCTION, onHead)
        setTransport(easy)
        setAddress(easy, endpoint)
        setMethod(easy, context)
        return easy
    }

    private func setTransport(_ easy: UnsafeMutableRawPointer) {
        fender_curl_set_long(easy, CURLOPT_NOSIGNAL, 1)
        fender_curl_set_cloexec(easy)
        fender_curl_set_long(easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        fender_curl_set_long(easy, CURLOPT_PATH_AS_IS, 1)
        // The daemon is never behind the proxies of the environment.
        fender_curl_set_string(easy, CURLOPT_PROXY, "")
        fender_curl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, 10_000)
        fender_curl_set_long(easy, CURLOPT_TCP_KEEPALIVE, 1)
        fender_curl_set_long(easy, CURLOPT_BUFFERSIZE, 64 << 10)
        // A stream's deadline is for its head only; see CurlLoop.open.
        if !streams, let deadline = request.deadline {
            fender_curl_set_long(easy, CURLOPT_TIMEOUT_MS, max(1, deadline.milliseconds))
        }
    }

    private func setAddress(_ easy: UnsafeMutableRawPointer, _ endpoint: DockerEndpoint) {
        var target = request.path
        if !request.query.isEmpty { target += "?" + request.query }
        switch endpoint.address {
        case .unix(let path):
            fender_curl_set_string(easy, CURLOPT_UNIX_SOCKET_PATH, path)
            fender_curl_set_string(easy, CURLOPT_URL, "http://docker\(target)")
        case .tcp(let host, let port):
            let scheme = endpoint.tls == nil ? "http" : "https"
            let authority = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
            fender_curl_set_string(easy, CURLOPT_URL, "\(scheme)://\(authority)\(target)")
        }
        guard let tls = endpoint.tls else { return }
        if let file = tls.caFile { fender_curl_set_string(easy, CURLOPT_CAINFO, file) }
        if let file = tls.certificateFile { fender_curl_set_string(easy, CURLOPT_SSLCERT, file) }
        if let file = tls.keyFile { fender_curl_set_string(easy, CURLOPT_SSLKEY, file) }
        fender_curl_set_long(easy, CURLOPT_SSL_VERIFYPEER, tls.verify ? 1 : 0)
        fender_curl_set_long(easy, CURLOPT_SSL_VERIFYHOST, tls.verify ? 2 : 0)
    }

    private func setMethod(_ easy: UnsafeMutableRawPointer, _ context: UnsafeMutableRawPointer) {
        switch request.method {
        case .get: break
        case .head: fender_curl_set_long(easy, CURLOPT_NOBODY, 1)
        case .post: setBody(easy, context)
        case .delete: fender_curl_set_string(easy, CURLOPT_CUSTOMREQUEST, request.method.rawValue)
        }
        // An empty value takes the header away: libcurl would wait a second for a 100 that Docker need not send.
        var lines = request.headers + ["Expect:"]
        switch request.body {
        case .none: lines.append("Content-Type:")
        case .json: lines.append("Content-Type: application/json")
        case .bytes(_, let type), .upload(_, let type): lines.append("Content-Type: \(type)")
        }
        for line in lines { headers = curl_slist_append(headers, line) }
        fender_curl_set_pointer(easy, CURLOPT_HTTPHEADER, headers)
    }

    private func setBody(_ easy: UnsafeMutableRawPointer, _ context: UnsafeMutableRawPointer) {
        fender_curl_set_long(easy, CURLOPT_POST, 1)
        switch request.body {
        case .none:
            fender_curl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, 0)
            fender_curl_set_string(easy, CURLOPT_COPYPOSTFIELDS, "")
        case .json(let bytes), .bytes(let bytes, _):
            fender_curl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(bytes.count))
            bytes.withUnsafeBytes { buffer in
                // Copied before the call returns, so the pointer need not live on; never written to.
                _ = fender_curl_set_pointer(
                    easy, CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: buffer.baseAddress))
            }
        case .upload:
            // What was read from a stream cannot be sent again on another connection.
            fender_curl_set_long(easy, CURLOPT_FRESH_CONNECT, 1)
            fender_curl_set_pointer(easy, CURLOPT_READDATA, context)
            fender_curl_set_function(easy, CURLOPT_READFUNCTION, onSend)
            headers = curl_slist_append(headers, "Transfer-Encoding: chunked")
        }
    }

    /// Frees the easy handle, which is out of the multi handle, and what belongs to it.
    func dispose() {
        guard let easy else { return }
        curl_easy_cleanup(easy)
        curl_slist_free_all(headers)
        errorText?.deallocate()
        self.easy = nil
        headers = nil
        errorText = nil
        // Balances passRetained in prepare; the caller holds another reference.
        Unmanaged.passUnretained(self).release()
    }

    /// The transfer that an easy handle was prepared for.
    static func owning(_ easy: UnsafeMutableRawPointer) -> Transfer? {
        var context: UnsafeMutableRawPointer?
        fender_curl_get_pointer(easy, CURLINFO_PRIVATE, &context)
        return context.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
    }
}

private func transfer(_ context: UnsafeMutableRawPointer?) -> Transfer? {
    context.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
}

private let onHead: fender_curl_data_function = { bytes, size, count, context in
    transfer(context)?.receiveHead(UnsafeRawBufferPointer(start: bytes, count: size * count))
    return size * count
}

private let onBody: fender_curl_data_function = { bytes, size, count, context in
    transfer(context)?.receiveBody(UnsafeRawBufferPointer(start: bytes, count: size * count)) ?? 0
}

private let onSend: fender_curl_data_function = { bytes, size, count, context in
    transfer(context)?.sendBody(UnsafeMutableRawBufferPointer(start: bytes, count: size * count))
        ?? Int(CURL_READFUNC_ABORT)
}

extension Duration {
    /// Whole milliseconds, rounded down and held within what fits.
    var milliseconds: Int {
        let (seconds, attoseconds) = components
        guard seconds < Int64(Int32.max) / 1000 else { return Int(Int32.max) }
        return Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
    }
}
