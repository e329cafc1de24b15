/// What a handler throws to end its call with a status other than OK.
public struct RPCError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The status code; ``StatusCode/ok`` is sent as Unknown, since a failed call must not look like a good one.
    public var code: StatusCode
    /// The text that the caller sees.
    public var message: String

    /// An error with a code and the text that the caller sees.
    public init(_ code: StatusCode, _ message: String) {
        self.code = code == .ok ? .unknown : code
        self.message = message
    }

    /// "NotFound: text".
    public var description: String { "\(code): \(message)" }
}
