internal import CCurl

/// An http or https URL.
struct WebAddress: Sendable, Hashable, CustomStringConvertible {
    /// The whole, normalised.
    let description: String
    let scheme: String
    let host: String
    let port: Int

    /// Nil for anything but an http or https URL with a host and without a user.
    init?(_ text: String, relativeTo base: WebAddress? = nil) {
        guard !text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7f }), let handle = curl_url() else { return nil }
        defer { curl_url_cleanup(handle) }
        if let base, curl_url_set(handle, CURLUPART_URL, base.description, 0) != CURLUE_OK { return nil }
        guard curl_url_set(handle, CURLUPART_URL, text, 0) == CURLUE_OK,
            let whole = Self.part(handle, CURLUPART_URL), let scheme = Self.part(handle, CURLUPART_SCHEME),
            ["http", "https"].contains(scheme), let host = Self.part(handle, CURLUPART_HOST), !host.isEmpty,
            Self.part(handle, CURLUPART_USER) == nil,
            let port = Self.part(handle, CURLUPART_PORT, UInt32(CURLU_DEFAULT_PORT)).flatMap({ Int($0) })
        else { return nil }
        description = whole
        self.scheme = scheme
        self.host = host.lowercased()
        self.port = port
    }

    private static func part(_ handle: OpaquePointer, _ part: CURLUPart, _ flags: UInt32 = 0) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(handle, part, &text, flags) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }

    /// Whether both are one server to which the same secrets may be told.
    func isSameServer(as other: WebAddress) -> Bool {
        scheme == other.scheme && host == other.host && port == other.port
    }

    /// Whether it is this machine, by its name or number.
    var isLoopback: Bool {
        host == "localhost" || host == "[::1]" || host.hasPrefix("127.") && host.allSatisfy { $0.isNumber || $0 == "." }
    }

    /// With a parameter more in its query.
    func adding(_ name: String, _ value: String) -> String {
        "\(description)\(description.contains("?") ? "&" : "?")\(name)=\(value.percentEncoded)"
    }
}

extension String {
    /// As a value in a query or form.
    var percentEncoded: String {
        guard let text = curl_easy_escape(nil, self, 0) else { return "" }
        defer { curl_free(text) }
        return String(cString: text)
    }
}
