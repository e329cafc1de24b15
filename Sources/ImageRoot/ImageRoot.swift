internal import Glibc
public import Linux

/// A read-only view of an image's root file system, made of its overlay2 layer directories.
///
/// The mount is attached nowhere: no process sees it and it goes with this value, also when the daemon is
/// killed. All calls block on the disk.
public struct ImageRoot: ~Copyable, Sendable {
    /// The root directory, for openat2(2).
    public let directory: Descriptor

    /// Opens an image of layer directories, the topmost first, as Docker's image inspect gives them in
    /// `GraphDriver.Data` (UpperDir, then LowerDir split at colons). Throws ``ImageRootError``.
    public static func open(layers: [String]) throws -> ImageRoot {
        ImageRoot(directory: try OverlayMount.open(layers: layers))
    }

    init(directory: consuming Descriptor) {
        self.directory = directory
    }

    /// The content of a regular file, its path and the links in it resolved inside the image; nil when there
    /// is none. Throws ``ImageRootError`` when it is something else or longer than `limit` bytes.
    public func readFile(_ path: String, limit: Int = 10 << 20) throws -> [UInt8]? {
        let refusal = "read \(path.debugDescription) of the image: "
        guard !path.utf8.contains(0) else { throw ImageRootError(.invalid, refusal + "malformed path") }
        do {
            // Held before it is opened for reading: opening a device can do things.
            let place = try Descriptor.open(path, inRoot: directory, pathOnly)
            guard try place.status().st_mode & S_IFMT == S_IFREG else {
                throw ImageRootError(.invalid, refusal + "not a regular file")
            }
            let file = try Descriptor.open("/proc/self/fd/\(place.raw)", O_RDONLY | O_NOCTTY)
            return try Files.read(file, limit: limit, name: path)
        } catch let error as SystemError where [ENOENT, ENOTDIR, ELOOP].contains(error.code) {
            return nil
        } catch let error as SystemError {
            throw ImageRootError(error.code == EFBIG ? .invalid : .failed, refusal + "\(error)")
        }
    }
}
