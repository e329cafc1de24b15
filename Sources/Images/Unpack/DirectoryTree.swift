internal import CLinux
internal import Glibc
internal import Linux

/// Removal of whole directories whose content a container or an archive made.
enum DirectoryTree {
    /// Removes what `path` names, whatever it is; nothing there is fine. The directory it is in must be ours.
    static func remove(_ path: String) throws {
        let slash = path.lastIndex(of: "/") ?? path.startIndex
        let parent = try Descriptor.open(String(path[..<slash]) + "/", O_RDONLY | O_DIRECTORY)
        try remove(String(path[path.index(after: slash)...]), in: parent)
    }

    /// Removes the entry of a directory, whatever it is, without following a link.
    ///
    /// Neither depth nor size costs memory or descriptors: directories found on the way move up into the one that is
    /// removed, and are looked at in turn.
    static func remove(_ name: String, in parent: borrowing Descriptor) throws {
        let at = parent.raw
        guard try !unlinked(name, at) else { return }
        let top = try open(name, at)
        var moved = 0
        while try !emptied(top, of: top, moving: &moved) {}
        try system("rmdir", name) { unlinkat(at, name, AT_REMOVEDIR) }
    }

    /// Removes what is in a directory, one level of it; answers whether nothing is left.
    private static func emptied(
        _ directory: borrowing Descriptor, of top: borrowing Descriptor, moving moved: inout Int
    ) throws -> Bool {
        let (at, root) = (directory.raw, top.raw)
        var isEmpty = true
        for name in try names(directory) where try !unlinked(name, at) {
            if unlinkat(at, name, AT_REMOVEDIR) == 0 { continue }
            isEmpty = false
            if at == root {
                _ = try emptied(try open(name, at), of: top, moving: &moved)
                continue
            }
            // A name of a container's own can be in the way; the next number is tried then.
            repeat {
                moved += 1
            } while try !renamed(name, at, to: ".removed-\(moved)", root)
        }
        return isEmpty
    }

    private static func renamed(_ name: String, _ at: CInt, to new: String, _ root: CInt) throws -> Bool {
        do {
            try system("rename", name) { renameat(at, name, root, new) }
            return true
        } catch let error as SystemError where [EEXIST, ENOTEMPTY, ENOTDIR].contains(error.code) {
            return false
        }
    }

    /// Whether the entry is gone, or was not there; false for a directory.
    private static func unlinked(_ name: String, _ at: CInt) throws -> Bool {
        do {
            try system("unlink", name) { unlinkat(at, name, 0) }
        } catch let error as SystemError {
            if error.code == EISDIR { return false }
            if error.code != ENOENT { throw error }
        }
        return true
    }

    private static func open(_ name: String, _ at: CInt) throws -> Descriptor {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        return Descriptor(owning: try system("open", name) { fender_openat(at, name, flags, 0) })
    }

    private static func names(_ directory: borrowing Descriptor) throws -> [String] {
        // fdopendir(3) takes a descriptor over, and its position is the open file's.
        let copy = try open(".", directory.raw).release()
        guard let stream = fdopendir(copy) else {
            close(copy)
            throw SystemError(call: "fdopendir", code: errno)
        }
        defer { closedir(stream) }
        return Files.names(of: stream)
    }
}
