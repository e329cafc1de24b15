internal import Glibc
internal import Linux

/// The directory of a CRI log, held open while files in it are looked up or made.
///
/// A pod that mounts the log directory can put links into it. The last two directories of the path (pod and
/// container) and the file itself are therefore never reached through one; what stands above them is the
/// administrator's.
struct DestinationDirectory: ~Copyable {
    let path: String
    let name: String
    private let directory: Descriptor

    /// Opens the parent of `file`; with `creating`, missing directories are made (0755).
    ///
    /// Throws `invalidName`, `unsafeDestination`, or a `SystemError`.
    init(of file: String, creating: Bool) throws {
        var components = try LogPath.components(file)
        let name = components.removeLast()
        let path = "/" + components.joined(separator: "/")
        let guarded = components.suffix(2)
        let trusted = "/" + components.dropLast(guarded.count).joined(separator: "/")
        if creating && !Files.exists(trusted) { try Files.makeDirectories(trusted) }
        var directory = try Descriptor.open(trusted, O_RDONLY | O_DIRECTORY)
        for component in guarded {
            directory = try Self.open(component, in: directory, creating: creating)
        }
        self.name = name
        self.path = path
        self.directory = directory
    }

    private static func open(
        _ name: String, in parent: borrowing Descriptor, creating: Bool
    ) throws -> Descriptor {
        let raw = parent.raw
        if creating && mkdirat(raw, name, 0o755) != 0 && errno != EEXIST {
            throw SystemError(call: "mkdir", object: name, code: errno)
        }
        do {
            return try Descriptor.open(name, inRoot: parent, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        } catch let error as SystemError where error.code == ENOTDIR || error.code == ELOOP {
            throw LogError(.unsafeDestination, "open directory \(name)", cause: error)
        }
    }

    /// What stands at the log's own name, a link not followed; nil if nothing does.
    func status() throws -> stat? {
        var status = stat()
        if fstatat(directory.raw, name, &status, AT_SYMLINK_NOFOLLOW) == 0 { return status }
        guard errno == ENOENT else { throw SystemError(call: "fstatat", object: "\(path)/\(name)", code: errno) }
        return nil
    }

    /// Whether the link at the log's own name leads to `path`, by its text or by the file it reaches.
    func isLink(to path: String) throws -> Bool {
        if try linkTarget() == path { return true }
        var (reached, wanted) = (stat(), stat())
        return fstatat(directory.raw, name, &reached, 0) == 0 && lstat(path, &wanted) == 0
            && FileID(reached) == FileID(wanted)
    }

    private func linkTarget() throws -> String {
        var target = [CChar](repeating: 0, count: 4096)
        let raw = directory.raw
        let count = try system("readlinkat", name) { readlinkat(raw, name, &target, target.count) }
        return String(decoding: target[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Makes a link at the log's own name; fails with EEXIST when something is there.
    func makeLink(to target: String) throws {
        let raw = directory.raw
        try system("symlinkat", "\(path)/\(name)") { symlinkat(target, raw, name) }
    }

    /// Gives what stands at the log's own name another name.
    func rename(to other: String) throws {
        let raw = directory.raw
        try system("renameat", "\(path)/\(name)") { renameat(raw, name, raw, other) }
    }

    /// Opens the file called `name` for appending; nil if there is none.
    func open(_ name: String) throws -> DestinationFile? {
        do {
            let flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
            return try DestinationFile(try Descriptor.open(name, inRoot: directory, flags), "\(path)/\(name)")
        } catch let error as SystemError where error.code == ENOENT {
            return nil
        } catch let error as SystemError where error.code == ELOOP || error.code == EISDIR {
            throw LogError(.unsafeDestination, "open \(path)/\(name)", cause: error)
        }
    }

    /// Makes the log file (0640); nil when something is there already.
    func create() throws -> DestinationFile? {
        do {
            let flags = O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW
            let file = try Descriptor.open(name, inRoot: directory, flags, mode: 0o640)
            return try DestinationFile(file, "\(path)/\(name)")
        } catch let error as SystemError where error.code == EEXIST {
            return nil
        }
    }

    /// Takes back ``create()``.
    func removeCreated() {
        unlinkat(directory.raw, name, 0)
    }

    /// The file `id` under one of the names that the kubelet gives to rotated logs, `<name>.<time>`.
    func rotated(_ id: FileID) throws -> DestinationFile? {
        for candidate in try Files.names(in: path) where candidate.hasPrefix("\(name).") {
            var status = stat()
            guard fstatat(directory.raw, candidate, &status, AT_SYMLINK_NOFOLLOW) == 0, FileID(status) == id,
                status.isRegularFile
            else { continue }
            if let file = try open(candidate), file.id == id { return file }
        }
        return nil
    }
}
