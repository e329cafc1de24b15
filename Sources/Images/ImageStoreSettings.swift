/// How an ``ImageStore`` works.
public struct ImageStoreSettings: Sendable {
    /// Where container root file systems are made; nil for `snapshots` in the store's directory. Must be on a file
    /// system that can be an overlay's upper layer.
    public var snapshotDirectory: String?
    /// Where registries are configured, in containerd's form (`HOST/hosts.toml`); nil for nowhere.
    public var registryDirectory: String?
    /// Images that garbage collectors leave alone: names with tag, as ``StoredImage/repoTags`` has them.
    public var pinned: Set<String> = []
    /// Layers fetched and unpacked at a time, of one image.
    public var parallelLayers = 4
    /// The most bytes that one layer may unpack to.
    public var layerLimit: UInt64 = 128 << 30
    /// The most bytes that a compressed byte may stand for in a layer above 1 GiB; more is taken for an attack.
    public var expansionLimit: UInt64 = 200
    /// The most bytes of a manifest, an index or a configuration.
    public var documentLimit = 4 << 20
    /// How long a registry may send nothing, in seconds, before the transfer is broken off and resumed.
    public var stallSeconds = 30
    /// How often a request is tried in all when the registry is out of order.
    public var attempts = 5

    /// The defaults.
    public init() {}
}
