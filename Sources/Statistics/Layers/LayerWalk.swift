internal import CLinux
internal import Glibc
internal import Linux

/// A walk through a directory that hostile programs change meanwhile: it goes from directory to directory by
/// descriptors, never follows a link and never leaves the file system it began on.
struct LayerWalk {
    /// So many directories are held open; those further up are found again from below, and checked.
    private static let openDirectories = 32

    private var usage = LayerUsage()
    private var levels: [Level] = []
    private var linked: Set<ino_t> = []
    private let device: dev_t

    /// What is in the directory, itself included. Throws SystemError: the directory is not there or cannot be read, or
    /// (ESTALE) it was moved about during the walk.
    static func measure(_ directory: String) throws -> LayerUsage {
        let root = try Level(Descriptor.open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
        var walk = LayerWalk(device: root.status.st_dev)
        walk.count(root.status)
        try walk.enter(root)
        while !walk.levels.isEmpty { try walk.step() }
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        walk.usage.time = Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
        return walk.usage
    }

    private init(device: dev_t) { self.device = device }

    private mutating func step() throws {
        guard let level = levels.last else { return }
        guard let name = level.pending.popLast() else { return try leave() }
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
        let raw = fender_openat(level.raw, name, flags, 0)
        // It went away, or is something else by now.
        if raw < 0 { return }
        let child = try Level(Descriptor(owning: raw))
        if child.status.st_dev == device { try enter(child) }
    }

    private mutating func enter(_ level: Level) throws {
        try read(level)
        levels.append(level)
        if levels.count > Self.openDirectories { levels[levels.count - 1 - Self.openDirectories].close() }
    }

    private mutating func leave() throws {
        let below = levels.removeLast()
        guard let level = levels.last, !level.isOpen else { return }
        try level.reopen(from: below)
    }

    /// Counts what is in the directory and notes its subdirectories.
    private mutating func read(_ level: Level) throws {
        let raw = level.raw
        let copy = try system("dup") { fcntl(raw, F_DUPFD_CLOEXEC, 3) }
        guard let stream = fdopendir(copy) else {
            Glibc.close(copy)
            throw SystemError(call: "fdopendir", code: errno)
        }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: 256) { count(raw, $0, level) }
            }
        }
    }

    private mutating func count(_ directory: CInt, _ name: UnsafePointer<CChar>, _ level: Level) {
        if strcmp(name, ".") == 0 || strcmp(name, "..") == 0 { return }
        var status = stat()
        guard fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_dev == device else { return }
        count(status)
        if status.st_mode & S_IFMT == S_IFDIR {
            level.pending.append(Array(UnsafeBufferPointer(start: name, count: strlen(name) + 1)))
        }
    }

    private mutating func count(_ status: stat) {
        let isDirectory = status.st_mode & S_IFMT == S_IFDIR
        // A file of several names is there once.
        if !isDirectory && status.st_nlink > 1 && !linked.insert(status.st_ino).inserted { return }
        usage.inodes += 1
        usage.bytes += UInt64(clamping: status.st_blocks) * 512
    }
}

extension LayerWalk {
    /// A directory on the way from the top to where the walk is.
    private final class Level {
        let status: stat
        /// Subdirectories not walked through yet.
        var pending: [[CChar]] = []
        private(set) var raw: CInt

        init(_ descriptor: consuming Descriptor) throws {
            status = try descriptor.status()
            raw = descriptor.release()
        }

        deinit { close() }

        var isOpen: Bool { raw >= 0 }

        func close() {
            if raw >= 0 { Glibc.close(raw) }
            raw = -1
        }

        /// Opens the directory again as the parent of one below it; it must still be the same.
        func reopen(from below: Level) throws {
            let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
            let number = below.raw
            let parent = Descriptor(owning: try system("openat", "..") { fender_openat(number, "..", flags, 0) })
            let found = try parent.status()
            guard found.st_dev == status.st_dev, found.st_ino == status.st_ino else {
                throw SystemError(call: "openat", object: "..", code: ESTALE)
            }
            raw = parent.release()
        }
    }
}
