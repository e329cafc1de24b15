internal import Glibc
internal import Linux
internal import OCI
internal import Synchronization

extension ImageStore {
    /// Makes a layer's directory of what `feed` puts into the decompressor; it appears whole or not at all.
    func unpackLayer(
        chain: Digest, diffID: Digest, feed: (inout Decompressor) throws -> Void
    ) throws {
        let place = temporaryPath("layer")
        do {
            try Files.makeDirectories("\(place)/diff", mode: 0o755)
            try system("chmod", place) { chmod("\(place)/diff", 0o755) }
            let limits = ExpansionLimits(bytes: settings.layerLimit, factor: settings.expansionLimit)
            let usage = try LayerUnpack.run(into: "\(place)/diff", diffID: diffID, limits: limits, feed: feed)
            try install(place, usage, as: chain)
        } catch {
            try? DirectoryTree.remove(place)
            throw error
        }
    }

    private func install(_ place: String, _ usage: LayerUsage, as chain: Digest) throws {
        let text = JSON.object([.init("bytes", .integer(usage.bytes)), .init("inodes", .integer(usage.inodes))])
        let file = try Descriptor.open("\(place)/usage", O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        try text.bytes.withUnsafeBytes { try file.writeAll($0) }
        let target = layout.layer(chain)
        guard rename(place, target) != 0 else { return }
        guard errno == EEXIST || errno == ENOTEMPTY else {
            throw SystemError(call: "rename", object: target, code: errno)
        }
        // Somebody was faster; theirs is the same.
        try DirectoryTree.remove(place)
    }

    /// Puts a document into the store.
    func putBlob(_ bytes: [UInt8]) throws {
        let path = layout.blob(Digest(of: bytes))
        guard !Files.exists(path) else { return }
        let place = temporaryPath("blob")
        let file = try Descriptor.open(place, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        do {
            try bytes.withUnsafeBytes { try file.writeAll($0) }
            try system("rename", path) { rename(place, path) }
        } catch {
            unlink(place)
            throw error
        }
    }

    /// Removes blobs and layers that no image, snapshot, pull or import refers to.
    public func collectGarbage() throws {
        try ImageError.naming("collect garbage of images") {
            let trash = try holds.withLock { holds in try sweep(keeping: holds.digests) }
            for path in trash { try DirectoryTree.remove(path) }
            measure()
        }
    }

    /// Takes the names of what nobody needs away; answers what is to be removed.
    private func sweep(keeping held: Set<Digest>) throws -> [String] {
        let needed = catalog.withLock { catalog in
            held.union(catalog.manifests.values.flatMap { $0.blobs + $0.chainIDs })
        }
        var trash: [String] = []
        for directory in [layout.blobs, layout.layers] {
            for name in try Files.names(in: directory) {
                if let digest = Digest(hex: name), needed.contains(digest) { continue }
                let place = temporaryPath("removed")
                try system("rename", name) { rename("\(directory)/\(name)", place) }
                trash.append(place)
            }
        }
        for name in try Files.names(in: layout.temporary) where name.hasPrefix("partial-") {
            if let digest = Digest(hex: name.dropFirst("partial-".count)), held.contains(digest) { continue }
            trash.append("\(layout.temporary)/\(name)")
        }
        return trash
    }
}
