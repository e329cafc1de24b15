/// A value that cannot go into a pod's file: what it was meant for and why it is refused.
public struct PodFileError: Error, Sendable, Equatable, CustomStringConvertible {
    /// "verb object: reason".
    public var description: String

    /// An error with its full text.
    public init(_ description: String) {
        self.description = description
    }
}
