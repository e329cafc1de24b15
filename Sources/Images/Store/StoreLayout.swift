internal import Glibc
internal import Linux

/// Where things are in the store's directory: an OCI image layout (OCI image specification, image-layout.md) with
/// directories of our own beside it.
struct StoreLayout: Sendable {
    let directory: String
    /// Where snapshots are; ours alone, too.
    let snapshots: String

    init(_ directory: String, snapshots: String?) {
        self.directory = directory
        self.snapshots = snapshots ?? "\(directory)/snapshots"
    }

    var index: String { "\(directory)/index.json" }
    var blobs: String { "\(directory)/blobs/sha256" }
    var layers: String { "\(directory)/layers" }
    /// For what is not whole yet and for what is being removed.
    var temporary: String { "\(directory)/tmp" }

    func blob(_ digest: Digest) -> String { "\(blobs)/\(digest.hex)" }
    /// What has come of a blob so far; kept across restarts.
    func partial(_ digest: Digest) -> String { "\(temporary)/partial-\(digest.hex)" }
    /// A layer by its chain id: its files in `diff`, its size in `usage`.
    func layer(_ chain: Digest) -> String { "\(layers)/\(chain.hex)" }
    func files(_ chain: Digest) -> String { "\(layer(chain))/diff" }
    func snapshot(_ key: String) -> String { "\(snapshots)/\(key)" }

    /// Makes what is missing and removes what a crash left half done.
    func prepare() throws {
        try Files.makeDirectories(directory, mode: 0o700)
        // Files of images are in there with the modes that their makers liked: nobody else may look in.
        try system("chmod", directory) { chmod(directory, 0o700) }
        for path in [blobs, layers, temporary, snapshots] { try Files.makeDirectories(path, mode: 0o700) }
        let marker = "\(directory)/oci-layout"
        if !Files.exists(marker) {
            try Files.replace(marker, with: Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8))
        }
    }

    /// Removes a directory or file so that it is gone at once for all who look, whatever a crash does.
    ///
    /// `trash` gives a free path of the same file system, whose name says that it is to be removed.
    static func discard(_ path: String, to trash: String) throws {
        guard rename(path, trash) == 0 else {
            if errno == ENOENT { return }
            throw SystemError(call: "rename", object: path, code: errno)
        }
        try DirectoryTree.remove(trash)
    }
}
