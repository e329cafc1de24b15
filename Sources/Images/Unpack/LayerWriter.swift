internal import CLinux
internal import Glibc
internal import Linux

/// What a layer takes.
struct LayerUsage: Sendable, Equatable {
    /// Bytes of its files' content, holes not counted.
    var bytes: UInt64 = 0
    /// Entries of its archive that became files or directories.
    var inodes: UInt64 = 0
}

/// Makes a layer's directory from the entries of its archive, in the form that overlayfs takes: a whiteout is a
/// character device 0:0, an opaque directory has an attribute.
///
/// Whatever the archive says, nothing outside the directory is written or read: every parent is opened with the
/// layer's directory as its root (openat2 RESOLVE_IN_ROOT), and the last part of a path is never followed.
///
/// For one thread, whose file creation mask is 0.
final class LayerWriter {
    /// A directory of the layer, held open (O_PATH).
    final class Directory {
        let path: String
        let file: Descriptor

        init(_ path: String, _ file: consuming Descriptor) {
            self.path = path
            self.file = file
        }
    }

    let root: Directory
    /// The directory of the last entry; the next is likely in it too.
    var recent: Directory?
    var usage = LayerUsage()
    var times = DirectoryTimes()
    /// Links of an archive that may lead to directories that are to be made, in all.
    var linkBudget = 10_000

    /// Writes below an existing directory.
    init(_ directory: String) throws {
        root = Directory("", try Descriptor.open(directory, CInt(FENDER_O_PATH) | O_DIRECTORY | O_NOFOLLOW))
    }

    /// Writes one entry, whose content comes from `stream`.
    func write(_ entry: TarEntry, from stream: TarStream) throws {
        let path = try LayerPath(entry.path)
        do {
            try write(entry, path, from: stream)
        } catch {
            let action = "unpack \(entry.path.prefix(300).debugDescription)"
            if let error = error as? SystemError, Self.blames(error.code) {
                throw ImageError(.invalid, "\(action): \(error)")
            }
            throw ImageError(action, error)
        }
    }

    /// Whether such a failure is due to what the archive asks for.
    private static func blames(_ code: CInt) -> Bool {
        [ENOENT, ENOTDIR, EISDIR, ELOOP, ENAMETOOLONG, EINVAL, EFBIG, EMLINK].contains(code)
    }

    private func write(_ entry: TarEntry, _ path: LayerPath, from stream: TarStream) throws {
        if path.name.isEmpty {
            guard case .directory = entry.kind else { throw ImageError(.invalid, "the root must be a directory") }
            return try setAttributes(of: ".", in: root, path: "", entry)
        }
        let parent = try directory(path.parent)
        if path.name.hasPrefix(".wh.") { return try whiteOut(String(path.name.dropFirst(4)), in: parent) }
        try make(entry, path, in: parent, from: stream)
        usage.inodes += 1
    }

    private func make(_ entry: TarEntry, _ path: LayerPath, in parent: Directory, from stream: TarStream) throws {
        let (at, name) = (parent.file.raw, path.name)
        switch entry.kind {
        case .directory:
            try makeDirectory(path, in: parent, entry)
        case .file:
            try makeFile(name, in: parent, entry, from: stream)
        case .link(let target):
            try makeLink(name, in: parent, to: target)
        case .symbolicLink(let target):
            try replacing(name, in: parent) { try system("symlink") { symlinkat(target, at, name) } }
            try setAttributesOfNode(name, in: parent, entry)
        case .characterDevice, .blockDevice, .pipe:
            let type = entry.nodeType
            try replacing(name, in: parent) {
                try system("mknod") { mknodat(at, name, type | entry.mode, entry.device) }
            }
            try setAttributesOfNode(name, in: parent, entry)
        }
    }

    private func makeDirectory(_ path: LayerPath, in parent: Directory, _ entry: TarEntry) throws {
        let (at, name) = (parent.file.raw, path.name)
        do {
            try system("mkdir") { mkdirat(at, name, entry.mode) }
        } catch let error as SystemError where error.code == EEXIST {
            let found = try status(name, in: parent)
            if found.st_mode & S_IFMT != S_IFDIR {
                try remove(name, in: parent)
                try system("mkdir") { mkdirat(at, name, entry.mode) }
                if found.isWhiteout { try setOpaque(name, in: parent) }
            }
        }
        try setAttributes(of: name, in: parent, path: path.whole, entry)
    }

    private func makeFile(_ name: String, in parent: Directory, _ entry: TarEntry, from stream: TarStream) throws {
        let at = parent.file.raw
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        var number: CInt = -1
        try replacing(name, in: parent) {
            number = try system("open") { fender_openat(at, name, flags, entry.mode & 0o777) }
        }
        let file = Descriptor(owning: number)
        var end: Int64 = 0
        while let (bytes, offset) = try stream.content() {
            try file.writeAll(bytes, at: offset)
            end = max(end, offset + Int64(bytes.count))
            usage.bytes += UInt64(bytes.count)
        }
        if end < entry.size { try system("ftruncate") { ftruncate(number, off_t(entry.size)) } }
        try setAttributes(of: file, entry)
    }

    /// A hard link. Its target's parents are resolved inside the layer, and the target itself is not followed.
    private func makeLink(_ name: String, in parent: Directory, to target: String) throws {
        let path = try LayerPath(target)
        let action = "link to \(target.prefix(300).debugDescription)"
        guard !path.name.isEmpty else { throw ImageError(.invalid, "\(action): a directory") }
        do {
            let directory = try existing(path.parent)
            let (from, at) = (directory.file.raw, parent.file.raw)
            try replacing(name, in: parent) { try system("link") { linkat(from, path.name, at, name, 0) } }
        } catch let error as SystemError where Self.blames(error.code) || error.code == EPERM {
            // EPERM: a directory.
            throw ImageError(.invalid, "\(action): \(error)")
        }
    }

    /// What an entry named `.wh.NAME` asks for (OCI image specification, layer.md, "Whiteouts").
    private func whiteOut(_ name: String, in parent: Directory) throws {
        if name == ".wh..opq" { return try setOpaque(".", in: parent) }
        // Other names of this form are notes of AUFS to itself.
        if name.hasPrefix(".wh.") { return }
        guard !["", ".", ".."].contains(name) else { throw ImageError(.invalid, "a whiteout of nothing") }
        let at = parent.file.raw
        do {
            try system("mknod") { mknodat(at, name, S_IFCHR, 0) }
        } catch let error as SystemError where error.code == EEXIST {
            // Whiteouts are about the layers below: what this layer has stays, and hides what they have.
            if try status(name, in: parent).st_mode & S_IFMT == S_IFDIR { try setOpaque(name, in: parent) }
        }
    }

    /// Runs `body`; when something of that name is there, removes that and runs it again.
    private func replacing(_ name: String, in parent: Directory, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as SystemError where error.code == EEXIST {
            try remove(name, in: parent)
            try body()
        }
    }

    func remove(_ name: String, in parent: Directory) throws {
        // It can be, or lead to, the directory that is kept open.
        recent = nil
        try DirectoryTree.remove(name, in: parent.file)
    }

    func status(_ name: String, in parent: Directory) throws -> stat {
        let at = parent.file.raw
        var status = stat()
        try system("stat") { fstatat(at, name, &status, AT_SYMLINK_NOFOLLOW) }
        return status
    }
}

extension TarEntry {
    /// The file type of a device or pipe.
    fileprivate var nodeType: mode_t {
        switch kind {
        case .characterDevice: S_IFCHR
        case .blockDevice: S_IFBLK
        default: S_IFIFO
        }
    }
}
