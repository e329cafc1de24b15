internal import CLinux
internal import Glibc
internal import Linux

/// Images mounted as volumes: CRI `Mount.image` where Docker cannot mount an image itself (before API 1.48).
///
/// The mounts are read-only, nosuid and nodev; programs in them may run, as with containerd.
public enum ImageVolumeMount {
    /// Mounts an image at a directory, which is made when absent, and answers the path to bind into the
    /// container: the directory, or what `subPath` (CRI `image_sub_path`) leads to inside the image.
    ///
    /// A mount that is there already, as a crash leaves it, is replaced; containers that have it keep it.
    /// Layers are as for ``ImageRoot/open(layers:)``. Throws ``ImageRootError``, `notFound` when the image
    /// lacks the sub-path; then nothing stays mounted. Blocks.
    ///
    /// With a user namespace at the path `space` the owners are seen through it, as ``ContainerRoot`` has it.
    public static func mount(
        layers: [String], at directory: String, subPath: String = "", through space: String? = nil
    ) throws -> String {
        try mount(layers: layers, at: directory, subPath: subPath, through: space, method: nil)
    }

    static func mount(
        layers: [String], at directory: String, subPath: String, through space: String? = nil,
        method: OverlayMount.Method?
    ) throws -> String {
        try check(directory)
        try detach(directory)
        do {
            try Files.makeDirectories(directory, mode: 0o700)
        } catch {
            throw ImageRootError(.failed, "mount image volume: \(error)")
        }
        do {
            if let space {
                try OverlayMount.attach(layers: layers, upper: nil, through: space, at: directory, method: method)
            } else {
                try OverlayMount.attach(layers: layers, at: directory, method: method)
            }
            return try resolve(subPath, below: directory)
        } catch {
            try? unmount(directory)
            throw error
        }
    }

    /// Unmounts what is mounted at the directory and removes it; nothing there is fine. Blocks.
    public static func unmount(_ directory: String) throws {
        try check(directory)
        try detach(directory)
        if rmdir(directory) != 0 && errno != ENOENT && errno != ENOTDIR {
            throw ImageRootError(.failed, "remove \(directory): \(String(cString: strerror(errno)))")
        }
    }

    /// The mount points below a directory, the innermost and latest first: what ``unmount(_:)`` is for after
    /// a crash.
    public static func leftovers(below directory: String) throws -> [String] {
        let prefix = directory.hasSuffix("/") ? directory : directory + "/"
        var found: [String] = []
        for entry in try MountTable.read().reversed() where entry.point.hasPrefix(prefix) {
            if !found.contains(entry.point) { found.append(entry.point) }
        }
        return found
    }

    private static func check(_ directory: String) throws {
        let parts = directory.split(separator: "/")
        guard directory.hasPrefix("/"), parts.count > 1, !parts.contains(".."), !directory.utf8.contains(0) else {
            throw ImageRootError(.invalid, "mount image volume at \(directory.debugDescription): bad directory")
        }
    }

    /// Mounts can lie on each other; EINVAL says that none is left.
    private static func detach(_ directory: String) throws {
        while fender_detach_mount(directory) == 0 {}
        let code = errno
        guard code == EINVAL || code == ENOENT || code == ENOTDIR else {
            throw ImageRootError(.failed, "unmount \(directory): \(String(cString: strerror(code)))")
        }
    }

    /// The path without links that a path inside the image has on the host.
    private static func resolve(_ subPath: String, below directory: String) throws -> String {
        if subPath.isEmpty { return directory }
        let refusal = "find \(subPath.debugDescription) in the image: "
        guard !subPath.utf8.contains(0), subPath.utf8.count < 4_096 else {
            throw ImageRootError(.invalid, refusal + "malformed path")
        }
        do {
            let root = try Descriptor.open(directory, pathOnly | O_DIRECTORY)
            let found = try Descriptor.open(subPath, inRoot: root, pathOnly)
            let kind = try found.status().st_mode & S_IFMT
            guard kind == S_IFDIR || kind == S_IFREG else {
                throw ImageRootError(.invalid, refusal + "neither a directory nor a file")
            }
            let base = try Files.linkTarget("/proc/self/fd/\(root.raw)")
            let path = try Files.linkTarget("/proc/self/fd/\(found.raw)")
            guard path == base || path.hasPrefix(base + "/") else {
                throw ImageRootError(.failed, refusal + "it is at \(path)")
            }
            return path
        } catch let error as SystemError {
            let isAbsent = [ENOENT, ENOTDIR, ELOOP].contains(error.code)
            throw ImageRootError(isAbsent ? .notFound : .failed, refusal + "\(error)")
        }
    }
}
