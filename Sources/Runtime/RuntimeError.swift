/// What a back end answers when it cannot do what was asked.
///
/// The code says which gRPC status the caller sees; the message reads "verb object: cause".
public struct RuntimeError: Error, Sendable, CustomStringConvertible {
    /// The class of the failure.
    public struct Code: Sendable, Hashable {
        private enum Kind: Sendable, Hashable {
            case invalidArgument, notFound, alreadyExists, failedPrecondition, unavailable
            case deadlineExceeded, resourceExhausted, unimplemented, cancelled, unknown, internalError
        }
        private let kind: Kind

        /// The request itself is wrong; retrying it unchanged cannot help.
        public static let invalidArgument = Code(kind: .invalidArgument)
        /// The sandbox, container or image does not exist.
        public static let notFound = Code(kind: .notFound)
        /// Something with the same name exists and is not what was asked for.
        public static let alreadyExists = Code(kind: .alreadyExists)
        /// The object's state does not allow the operation.
        public static let failedPrecondition = Code(kind: .failedPrecondition)
        /// The engine below does not answer now.
        public static let unavailable = Code(kind: .unavailable)
        /// The time given has passed.
        public static let deadlineExceeded = Code(kind: .deadlineExceeded)
        /// A bound of ours is reached.
        public static let resourceExhausted = Code(kind: .resourceExhausted)
        /// This back end cannot do it at all.
        public static let unimplemented = Code(kind: .unimplemented)
        /// The caller went away.
        public static let cancelled = Code(kind: .cancelled)
        /// The engine below failed for a reason of its own; what the kubelet sees as a plain error.
        public static let unknown = Code(kind: .unknown)
        /// A bug of ours.
        public static let internalError = Code(kind: .internalError)
    }

    /// The class of the failure.
    public var code: Code
    /// What failed, for people; begins with the prefix the kubelet reads where the CRI names one.
    public var message: String
    /// The error below, if any; already part of the message.
    public var cause: (any Error)?
    /// Where it was made, for the debug log.
    public var location: String

    /// An error of class `code`.
    public init(
        _ code: Code, _ message: String, cause: (any Error)? = nil, file: String = #fileID, line: Int = #line
    ) {
        self.code = code
        self.message = message
        self.cause = cause
        self.location = "\(file):\(line)"
    }

    /// The message.
    public var description: String { message }
}
