/// A device that cannot be injected or a specification file that cannot be used: "verb object: reason".
public struct CDIError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The whole text; names the device or file.
    public var description: String

    /// An error with its full text.
    public init(_ description: String) {
        self.description = description
    }
}
