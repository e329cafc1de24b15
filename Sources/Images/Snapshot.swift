/// A container's root file system.
public struct Snapshot: Sendable, Equatable {
    /// The name it was made by.
    public var key: String
    /// The id of its image.
    public var imageID: String
    /// The root directory.
    public var path: String
    /// Where the container's own changes are; nil when the root is read-only.
    public var upper: String?
}
