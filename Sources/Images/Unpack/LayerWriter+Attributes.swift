internal import CLinux
internal import Glibc
internal import Linux

extension LayerWriter {
    /// Owner, mode and extended attributes of an open file, and its time.
    func setAttributes(of file: borrowing Descriptor, _ entry: TarEntry) throws {
        let number = file.raw
        try system("chown") { fchown(number, entry.owner, entry.group) }
        // chown takes set-user-id away, and file capabilities too: mode and attributes come after it.
        if entry.mode & 0o7000 != 0 { try system("chmod") { fchmod(number, entry.mode) } }
        try entry.forEachAttribute { name, value in
            try setAttribute(name) { fender_set_attribute(number, name, value.baseAddress, value.count) }
        }
        var times = entry.times
        try system("utimensat") { futimens(number, &times) }
    }

    /// The same of a directory, which gets its time when nothing is added to it any more.
    func setAttributes(of name: String, in parent: Directory, path: String, _ entry: TarEntry) throws {
        let at = parent.file.raw
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        let directory = Descriptor(owning: try system("open") { fender_openat(at, name, flags, 0) })
        let number = directory.raw
        try system("chown") { fchown(number, entry.owner, entry.group) }
        try system("chmod") { fchmod(number, entry.mode) }
        try entry.forEachAttribute { name, value in
            try setAttribute(name) { fender_set_attribute(number, name, value.baseAddress, value.count) }
        }
        try times.add(path, entry.modified)
    }

    /// The same of a link, device or pipe, which is not opened; its mode is set.
    func setAttributesOfNode(_ name: String, in parent: Directory, _ entry: TarEntry) throws {
        let at = parent.file.raw
        try system("chown") { fchownat(at, name, entry.owner, entry.group, AT_SYMLINK_NOFOLLOW) }
        if entry.mode & 0o7000 != 0 && entry.isChangeable {
            try system("chmod") { fchmodat(at, name, entry.mode, 0) }
        }
        try entry.forEachAttribute { attribute, value in
            let path = "/proc/self/fd/\(at)/\(name)"
            try setAttribute(attribute) {
                fender_set_path_attribute(path, attribute, value.baseAddress, value.count)
            }
        }
        var times = entry.times
        try system("utimensat") { utimensat(at, name, &times, AT_SYMLINK_NOFOLLOW) }
    }

    /// Makes a directory hide what lower layers have in it.
    func setOpaque(_ name: String, in parent: Directory) throws {
        let path = "/proc/self/fd/\(parent.file.raw)/\(name)"
        try system("setxattr") { fender_set_path_attribute(path, "trusted.overlay.opaque", "y", 1) }
    }

    /// Sets an attribute that an archive may set, where the file system has such.
    private func setAttribute(_ name: String, _ call: () -> CInt) throws {
        guard Self.takes(name) else { return }
        do {
            try system("setxattr", name, call)
        } catch let error as SystemError where error.code == EOPNOTSUPP || error.code == EPERM && name.isOfUser {
            // Links and devices have no user attributes, and some file systems none at all: as containerd has it.
        }
    }

    /// Not `trusted.overlay.*`: with these an archive could lead overlayfs to files of other layers. Not labels of
    /// security modules either, which are the host's to give.
    private static func takes(_ name: String) -> Bool {
        if name == "security.capability" || name.isOfUser { return true }
        return name.hasPrefix("trusted.") && !name.hasPrefix("trusted.overlay.")
    }

    /// Gives the directories their times; the last thing to do.
    func finish() throws {
        try times.forEach { path, modified in
            let place = path.isEmpty ? "." : path
            guard
                let directory = try? Descriptor.open(
                    place, inRoot: root.file, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
            else { return }
            let number = directory.raw
            var times = [modified, modified]
            try system("utimensat", path) { futimens(number, &times) }
        }
    }
}

extension String {
    fileprivate var isOfUser: Bool { hasPrefix("user.") }
}

extension TarEntry {
    /// Of access and of modification: the same, since no layer tells the first.
    fileprivate var times: [timespec] { [modified, modified] }

    /// Whether it has a mode of its own.
    fileprivate var isChangeable: Bool {
        if case .symbolicLink = kind { return false }
        return true
    }
}

/// The times that directories shall have in the end, in few bytes for each.
struct DirectoryTimes {
    /// The paths, each with a NUL behind it.
    private var paths: [UInt8] = []
    private var modified: [timespec] = []

    /// An image of a million directories needs less.
    private static let limit = 128 << 20

    mutating func add(_ path: String, _ time: timespec) throws {
        guard paths.count < Self.limit else { throw ImageError(.invalid, "too many directories") }
        paths += path.utf8
        paths.append(0)
        modified.append(time)
    }

    func forEach(_ body: (String, timespec) throws -> Void) rethrows {
        var rest = paths[...]
        for time in modified {
            let path = rest.prefix { $0 != 0 }
            rest = rest.dropFirst(path.count + 1)
            try body(String(decoding: path, as: UTF8.self), time)
        }
    }
}
