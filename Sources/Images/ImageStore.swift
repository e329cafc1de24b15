internal import Glibc
internal import Linux
public import Logging
internal import Synchronization

/// The images of pods without Docker: a store in one directory, pulls from registries, root file systems of containers.
///
/// What the store has is in memory; `images` and `image` do no I/O. All that is not `async` and throws blocks on the
/// disk and belongs on a thread of its own. Errors are ``ImageError``.
public final class ImageStore: Sendable {
    let layout: StoreLayout
    let settings: ImageStoreSettings
    let logger: Logger
    /// What lists are answered from; never held across I/O.
    let catalog: Mutex<Catalog>
    /// Held by whoever changes index.json, for the order of its versions.
    private let indexing = Mutex(())
    /// What must stay. Held while names of blobs and layers go, so that nobody relies on what is going.
    let holds = Mutex(Holds())
    let layerFlights = SingleFlight<Digest, Void>()
    let pullFlights = SingleFlight<PullKey, StoredImage>()
    private let total = Mutex(LayerUsage())
    private let number = Atomic(0)
    /// Locked as long as this store is open.
    private let lock: Descriptor

    /// Opens the store, an OCI image layout with directories of our own beside it, and makes it when it is not there.
    ///
    /// What a crash left half done is removed, but for blobs that arrived in part, which a pull goes on with. An image
    /// of which something is missing is dropped. Throws ``ImageError``, also when another process has the store open.
    public init(directory: String, settings: ImageStoreSettings = ImageStoreSettings(), logger: Logger) throws {
        let layout = StoreLayout(directory, snapshots: settings.snapshotDirectory)
        lock = try ImageError.naming("open image store \(directory)") {
            try layout.prepare()
            let lock = try Descriptor.open("\(directory)/lock", O_RDWR | O_CREAT, mode: 0o600)
            let number = lock.raw
            try system("flock", "lock") { flock(number, LOCK_EX | LOCK_NB) }
            return lock
        }
        self.layout = layout
        self.settings = settings
        self.logger = logger
        catalog = Mutex(Catalog(pinned: settings.pinned))
        try ImageError.naming("open image store \(directory)") {
            try clear()
            try loadImages()
            try loadSnapshots()
            measure()
        }
    }

    /// All images, in no order.
    public func images() -> [StoredImage] {
        catalog.withLock { Array($0.images.values) }
    }

    /// The image of an id, `sha256:…`; nil when there is none.
    public func image(id: String) -> StoredImage? {
        catalog.withLock { $0.images[id] }
    }

    /// What blobs and unpacked layers take, as of the last change; snapshots not counted.
    public func usage() -> (bytes: UInt64, inodes: UInt64) {
        total.withLock { ($0.bytes, $0.inodes) }
    }

    /// Removes an image with all its names; none of that id is fine. Its layers stay while snapshots are made of them.
    public func remove(id: String) throws {
        try ImageError.naming("remove image \(id)") {
            try change { $0.remove(id: id) }
            try collectGarbage()
        }
    }

    /// Changes the catalog, on disk first.
    @discardableResult
    func change<Value>(_ body: (inout Catalog) -> Value) throws -> Value {
        try indexing.withLock { _ in
            var next = catalog.withLock { $0 }
            let value = body(&next)
            try StoreIndex.write(next, to: layout.index)
            catalog.withLock { $0 = next }
            return value
        }
    }

    /// A path in the store for something that is made or removed; a restart removes what is there.
    public func temporaryPath(_ kind: String) -> String {
        "\(layout.temporary)/\(kind)-\(nextNumber())"
    }

    func nextNumber() -> Int { number.add(1, ordering: .relaxed).newValue }

    /// Measures anew what ``usage()`` tells.
    func measure() {
        var sum = LayerUsage()
        for name in (try? Files.names(in: layout.blobs)) ?? [] {
            var status = stat()
            guard stat("\(layout.blobs)/\(name)", &status) == 0 else { continue }
            sum.bytes += UInt64(status.st_size)
            sum.inodes += 1
        }
        for name in (try? Files.names(in: layout.layers)) ?? [] {
            guard let chain = Digest(hex: name), let usage = layerUsage(chain) else { continue }
            sum.bytes += usage.bytes
            sum.inodes += usage.inodes
        }
        total.withLock { $0 = sum }
    }
}
