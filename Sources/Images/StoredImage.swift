/// An image that the store holds whole: manifest, configuration and unpacked layers.
public struct StoredImage: Sendable, Equatable {
    /// The digest of its configuration, `sha256:…`, as Docker's `Image.Id`.
    public var id: String
    /// Its names with tags, such as `docker.io/library/busybox:latest`, sorted.
    public var repoTags: [String]
    /// Its names with digests, such as `docker.io/library/busybox@sha256:…`, sorted.
    public var repoDigests: [String]
    /// Bytes of its files, unpacked.
    public var size: UInt64
    /// When it was made, as its configuration says (RFC 3339); empty when it does not.
    public var created: String
    /// What its containers run unless told otherwise.
    public var configuration: ImageConfiguration
    /// Its unpacked layers by chain id, `sha256:…`, from the bottom up.
    public var chainIDs: [String]
    /// Whether a garbage collector must leave it alone.
    public var isPinned: Bool
}

/// What an image says about its containers (OCI image specification, config.md).
///
/// All of it comes from whoever made the image: nothing here is checked against anything.
public struct ImageConfiguration: Sendable, Equatable {
    /// The processor it is for, in Go's names, such as `amd64`.
    public var architecture = ""
    /// The operating system, such as `linux`.
    public var os = ""
    /// The beginning of the command line.
    public var entrypoint: [String] = []
    /// The default end of the command line.
    public var cmd: [String] = []
    /// Variables, usually `NAME=value`.
    public var env: [String] = []
    /// The working directory; empty for the root.
    public var workingDir = ""
    /// `user[:group]`, names or numbers; empty for root.
    public var user = ""
    /// Paths that the image wants to be volumes, sorted.
    public var volumes: [String] = []
    /// The image's labels. They are data of the image's maker, never settings of ours.
    public var labels: [String: String] = [:]
    /// The signal that ends the program, a name or number; empty for SIGTERM.
    public var stopSignal = ""
    /// Ports such as `80/tcp`, sorted.
    public var exposedPorts: [String] = []

    /// Nothing said.
    public init() {}
}
