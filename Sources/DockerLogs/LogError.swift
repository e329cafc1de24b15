/// Why a log could not be followed, reopened or linked.
public struct LogError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, for the caller to choose an answer by.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String {
            case notFollowed
            case invalidName
            case unsafeDestination
            case failed
            case stopped
        }

        private let value: Value

        /// No log of this container is being followed: never asked for, finished, or forgotten.
        public static var notFollowed: Code { Code(value: .notFollowed) }
        /// A container id or path that cannot be used: not absolute, with `..`, empty, too long.
        public static var invalidName: Code { Code(value: .invalidName) }
        /// The destination is a link, a directory or another thing that is no regular file.
        public static var unsafeDestination: Code { Code(value: .unsafeDestination) }
        /// A system call failed; ``LogError/cause`` says which.
        public static var failed: Code { Code(value: .failed) }
        /// The manager has been stopped.
        public static var stopped: Code { Code(value: .stopped) }

        /// The case's name.
        public var description: String { value.rawValue }
    }

    /// What went wrong.
    public var code: Code
    /// "verb object", without the cause.
    public var message: String
    /// The error below, if there is one.
    public var cause: (any Error)?

    init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// "verb object: cause".
    public var description: String {
        cause.map { "\(message): \($0)" } ?? message
    }
}
