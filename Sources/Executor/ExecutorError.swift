/// Why a container could not be made or handled, in one sentence.
public struct ExecutorError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The sentence.
    public var message: String

    /// An error of that sentence.
    public init(_ message: String) { self.message = message }

    /// The error in one sentence.
    public var description: String { message }
}
