/// A call to Docker that failed: what kind of failure, Docker's own words, and what we were doing.
public struct DockerError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What kind of failure it is.
    public enum Kind: Sendable, Hashable {
        /// Docker calls the request wrong (400 and other 4xx), or it cannot be sent as asked.
        case badRequest
        /// Credentials are missing or wrong (401, 403).
        case unauthorized
        /// No such container, image, exec or network (404).
        case notFound
        /// The object's state or name is in the way (409).
        case conflict
        /// It already is as asked (304); start and stop take it for success.
        case notModified
        /// The daemon cannot be reached, or the connection broke.
        case unavailable
        /// The deadline passed.
        case timeout
        /// Docker failed (5xx), or reported an error within an answer that had begun well.
        case serverError
        /// The answer is not what the API promises, or larger than allowed.
        case decoding
        /// The daemon and this client speak no common API version, or the daemon's lacks what was asked.
        case unsupported
    }

    /// What kind of failure it is.
    public var kind: Kind
    /// The HTTP status; 0 where no answer came.
    public var status: Int
    /// Docker's message, or the transport's.
    public var message: String
    /// The call, "METHOD /path".
    public var call: String

    /// A failure of `call`.
    public init(_ kind: Kind, status: Int = 0, message: String, call: String = "") {
        self.kind = kind
        self.status = status
        self.message = message
        self.call = call
    }

    /// "METHOD /path: message".
    public var description: String {
        call.isEmpty ? message : "\(call): \(message)"
    }

    /// The failure that an HTTP status stands for.
    init(status: Int, message: String, call: String) {
        let kind: Kind =
            switch status {
            case 304: .notModified
            case 401, 403: .unauthorized
            case 404: .notFound
            case 409: .conflict
            case 408: .timeout
            case 400..<500: .badRequest
            case 500...: .serverError
            default: .decoding
            }
        self.init(kind, status: status, message: message, call: call)
    }
}
