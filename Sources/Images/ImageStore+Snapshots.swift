internal import Glibc
internal import ImageRoot
public import Linux
internal import Logging
internal import Synchronization

extension ImageStore {
    /// Makes a container's root file system of an image: its layers with a directory for changes on top, or read-only
    /// without. Throws ``ImageError``: `notFound` for the image, `alreadyExists` for the key.
    ///
    /// The key is a file name. The snapshot stays until ``removeSnapshot(_:)``, also when the image is removed; its mount
    /// goes with a reboot. In a user namespace its owners are the namespace's own, unless ``obstacleToUserNamespaces()`` says no.
    public func makeSnapshot(
        _ key: String, image id: String, readOnly: Bool = false, in space: IDSpace? = nil
    ) throws -> Snapshot {
        try ImageError.naming("make root file system \(key)") {
            try check(key)
            let record = try reserve(key, image: id, readOnly)
            do {
                try build(key, record, space)
                return snapshot(key, record)
            } catch {
                try? removeSnapshot(key)
                throw error
            }
        }
    }

    /// The snapshot of a key; nil when there is none. Does no I/O.
    public func snapshot(_ key: String) -> Snapshot? {
        holds.withLock { $0.snapshots[key] }.map { snapshot(key, $0) }
    }

    /// The keys of all snapshots, those of before a crash or reboot too, sorted.
    public func snapshots() -> [String] {
        holds.withLock { $0.snapshots.keys.sorted() }
    }

    /// Unmounts and removes a root file system with all changes; none of that key is fine.
    ///
    /// A process that still uses it keeps the mount, not its content. Layers that nothing else refers to stay until
    /// ``collectGarbage()``.
    public func removeSnapshot(_ key: String) throws {
        try ImageError.naming("remove root file system \(key)") {
            try check(key)
            let place = layout.snapshot(key)
            if Files.exists(place) {
                try ImageVolumeMount.unmount("\(place)/rootfs")
                try StoreLayout.discard(place, to: hiddenPlace())
            }
            holds.withLock { $0.snapshots[key] = nil }
        }
    }

    /// Reads which snapshots there are, and removes those that are half made or half removed.
    func loadSnapshots() throws {
        var found: [String: SnapshotRecord] = [:]
        for key in try Files.names(in: layout.snapshots) {
            if !key.hasPrefix("."), let bytes = try? Files.read("\(layout.snapshot(key))/snapshot"),
                let record = try? SnapshotRecord(bytes)
            {
                found[key] = record
            } else {
                logger.info("a root file system that is half made is removed", metadata: ["key": "\(key)"])
                try ImageVolumeMount.unmount("\(layout.snapshot(key))/rootfs")
                try DirectoryTree.remove(layout.snapshot(key))
            }
        }
        holds.withLock { $0.snapshots = found }
    }

    private func check(_ key: String) throws {
        guard !key.isEmpty, key.utf8.count <= 200, !key.hasPrefix("."),
            !key.utf8.contains(where: { $0 == 0x2f || $0 == 0 })
        else { throw ImageError(.invalid, "\(key.debugDescription) cannot be a key") }
    }

    /// Puts the key down, so that the layers stay from now on.
    private func reserve(_ key: String, image id: String, _ readOnly: Bool) throws -> SnapshotRecord {
        try holds.withLock { holds in
            guard holds.snapshots[key] == nil else { throw ImageError(.alreadyExists, "it exists") }
            let manifest = catalog.withLock { catalog in
                catalog.manifests.values.first { "\($0.config)" == id }
            }
            guard let manifest else { throw ImageError(.notFound, "no image \(id)") }
            let record = SnapshotRecord(image: id, layers: manifest.chainIDs, isReadOnly: readOnly)
            holds.snapshots[key] = record
            return record
        }
    }

    private func build(_ key: String, _ record: SnapshotRecord, _ space: IDSpace?) throws {
        let making = hiddenPlace()
        do {
            for name in ["", "/rootfs", "/upper", "/work"]
            where !(record.isReadOnly && ["/upper", "/work"].contains(name)) {
                try system("mkdir", name) { mkdir(making + name, 0o700) }
            }
            let file = try Descriptor.open("\(making)/snapshot", O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
            try record.bytes.withUnsafeBytes { try file.writeAll($0) }
            if !record.isReadOnly { try copyRootAttributes(of: record, to: "\(making)/upper", space?.maps) }
            try system("rename", key) { rename(making, layout.snapshot(key)) }
        } catch {
            try? DirectoryTree.remove(making)
            throw error
        }
        try mount(layout.snapshot(key), record, through: space?.path)
    }

    /// The root that a container sees is the upper directory's: it must look like the image's.
    private func copyRootAttributes(of record: SnapshotRecord, to path: String, _ maps: IDMaps?) throws {
        var status = stat()
        status.st_mode = 0o755
        if let top = record.layers.last {
            try system("stat", "\(top)") { stat(layout.files(top), &status) }
        }
        let mode = status.st_mode & 0o7777
        var (owner, group) = (status.st_uid, status.st_gid)
        if let maps {
            guard let user = maps.host(user: owner), let users = maps.host(group: group) else {
                throw ImageError(.invalid, "the user namespace lacks \(owner):\(group), who own the image's root")
            }
            (owner, group) = (user, users)
        }
        try system("chown", path) { chown(path, owner, group) }
        try system("chmod", path) { chmod(path, mode) }
    }

    private func mount(_ place: String, _ record: SnapshotRecord, through space: String?) throws {
        var layers = record.layers.reversed().map(layout.files)
        if layers.isEmpty {
            // An image of nothing; overlayfs wants a layer.
            try Files.makeDirectories("\(place)/empty")
            layers = ["\(place)/empty"]
        }
        if record.isReadOnly {
            _ = try ImageVolumeMount.mount(layers: layers, at: "\(place)/rootfs", through: space)
        } else {
            let upper = ContainerRoot.Upper(directory: "\(place)/upper", work: "\(place)/work")
            try ContainerRoot.mount(layers: layers, upper: upper, through: space, at: "\(place)/rootfs")
        }
    }

    private func snapshot(_ key: String, _ record: SnapshotRecord) -> Snapshot {
        let place = layout.snapshot(key)
        return Snapshot(
            key: key, imageID: record.image, path: "\(place)/rootfs", upper: record.isReadOnly ? nil : "\(place)/upper")
    }

    /// A path beside the snapshots that no key has; a restart removes what is there.
    func hiddenPlace() -> String { "\(layout.snapshots)/.temporary-\(nextNumber())" }
}
