/// An image's files that cannot be reached or used: "verb object: reason".
public struct ImageRootError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure a caller may want to tell apart.
    public enum Code: Sendable {
        /// The user, group or path is not in the image.
        case notFound
        /// The request itself cannot be met by any image.
        case invalid
        /// The kernel or the storage refused.
        case failed
    }

    /// The kind.
    public var code: Code
    /// The whole text.
    public var description: String

    /// An error with its full text.
    public init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
