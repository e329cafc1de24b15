/// A cgroup that cannot be found, read or changed as asked: "verb object: reason".
public struct CgroupError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The whole text.
    public var description: String

    /// An error with its full text.
    public init(_ description: String) {
        self.description = description
    }
}
