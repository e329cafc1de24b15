/// A security setting that cannot be applied: "verb object: reason".
public struct SecurityError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The whole text.
    public var description: String

    /// An error with its full text.
    public init(_ description: String) {
        self.description = description
    }
}
