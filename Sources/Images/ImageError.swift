/// Why an image cannot be had, kept or used: "verb object: reason".
public struct ImageError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure a caller may want to tell apart.
    public enum Code: Sendable {
        /// The registry, the store or the archive has no such image.
        case notFound
        /// The registry wants other credentials, or any.
        case unauthorized
        /// The registry cannot be reached or is out of order; trying again later can help.
        case registryUnavailable
        /// The image is not signed as the policy asks.
        case signatureInvalid
        /// What was given is malformed, hostile, or of a kind that we do not run.
        case invalid
        /// The file system of the store is full.
        case noSpace
        /// A snapshot of this key exists.
        case alreadyExists
        /// The caller went away.
        case cancelled
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
