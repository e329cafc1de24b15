internal import Glibc
internal import Linux
internal import Synchronization

extension ImageStore {
    /// The directory of the store.
    public var directory: String { layout.directory }

    /// The directories of an image's unpacked layers, the topmost first.
    public func layers(of image: StoredImage) -> [String] {
        let chain = image.chainIDs.compactMap { Digest($0) }
        return chain.map(layout.files).reversed()
    }

    /// Mounts a root file system again whose mount a reboot took; one that is mounted is left alone.
    public func remountSnapshot(_ key: String) throws {
        try ImageError.naming("mount root file system \(key)") {
            guard let record = holds.withLock({ $0.snapshots[key] }) else {
                throw ImageError(.notFound, "no root file system \(key)")
            }
            let place = layout.snapshot(key)
            var (outside, inside) = (stat(), stat())
            try system("stat", place) { stat(place, &outside) }
            try system("stat", place) { stat("\(place)/rootfs", &inside) }
            if inside.st_dev == outside.st_dev { try mount(place, record) }
        }
    }
}
