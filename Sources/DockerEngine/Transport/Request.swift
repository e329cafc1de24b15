/// A request as it goes out, without the version prefix.
struct Request: Sendable {
    enum Method: String, Sendable {
        case get = "GET"
        case head = "HEAD"
        case post = "POST"
        case delete = "DELETE"
    }

    enum Body: Sendable {
        case none
        case json([UInt8])
        case bytes([UInt8], type: String)
        case upload(Upload, type: String)
    }

    /// How much of an answer that is not a stream is kept, in bytes.
    static let responseLimit = 64 << 20

    var method: Method
    /// Percent-encoded, from the first `/` on.
    var path: String
    /// Percent-encoded, without `?`.
    var query = ""
    var headers: [String] = []
    var body = Body.none
    /// From the start to the last byte; for a stream to its head.
    var deadline: Duration?
    var responseLimit = Request.responseLimit

    init(_ method: Method, _ path: String, deadline: Duration?) {
        self.method = method
        self.path = path
        self.deadline = deadline
    }

    /// "METHOD /path", as errors name it.
    var name: String { "\(method.rawValue) \(path)" }

    /// The body that a task feeds, if it is one.
    var upload: Upload? {
        if case .upload(let upload, _) = body { upload } else { nil }
    }

    /// Adds `name=value`; nil adds nothing.
    mutating func add(_ name: String, _ value: String?) {
        guard let value else { return }
        if !query.isEmpty { query += "&" }
        query += name + "=" + percentEncoded(value)
    }

    /// Adds `name=1` when true.
    mutating func add(_ name: String, _ value: Bool) {
        if value { add(name, "1") }
    }
}

/// An answer, whole.
struct Response: Sendable {
    var status = 0
    /// The `Api-Version` header.
    var apiVersion: String?
    var body: [UInt8] = []
}

/// Percent-encodes all but the unreserved characters of RFC 3986 and those in `keeping`.
func percentEncoded(_ text: String, keeping: String = "") -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var encoded: [UInt8] = []
    for byte in text.utf8 {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
            encoded.append(byte)
        case _ where keeping.utf8.contains(byte):
            encoded.append(byte)
        default:
            encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
    return String(decoding: encoded, as: UTF8.self)
}

/// `prefix/id suffix` for one object; an empty id, `.` and `..` would name another endpoint and throw.
func path(_ prefix: String, id: String, _ suffix: String = "") throws -> String {
    guard !id.isEmpty, id != ".", id != ".." else {
        throw DockerError(.badRequest, message: "\(prefix): \"\(id)\" is no id")
    }
    return "\(prefix)/\(percentEncoded(id))\(suffix)"
}

/// As ``path(_:id:_:)`` for an image, whose reference may hold slashes, colons and an at sign.
func path(_ prefix: String, image: String, _ suffix: String = "") throws -> String {
    let parts = image.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }) else {
        throw DockerError(.badRequest, message: "\(prefix): \"\(image)\" is no image reference")
    }
    return "\(prefix)/\(percentEncoded(image, keeping: "/:@"))\(suffix)"
}
