internal import Glibc

/// Whole-file operations on paths that the daemon itself chose; hostile paths go through
/// ``Descriptor/open(_:inRoot:_:mode:)``.
public enum Files {
    /// All bytes of a file, at most `limit`; a longer file fails with EFBIG.
    public static func read(_ path: String, limit: Int = 16 << 20) throws -> [UInt8] {
        let file = try Descriptor.open(path, O_RDONLY)
        return try read(file, limit: limit, name: path)
    }

    /// All bytes from the descriptor's position on, at most `limit`; more fails with EFBIG.
    public static func read(
        _ file: borrowing Descriptor, limit: Int = 16 << 20, name: String = ""
    ) throws -> [UInt8] {
        var bytes: [UInt8] = []
        let step = 64 << 10
        var chunk = [UInt8](repeating: 0, count: step)
        while true {
            let raw = file.raw
            let count = try chunk.withUnsafeMutableBytes { buffer in
                try system("read", name) { Glibc.read(raw, buffer.baseAddress, step) }
            }
            if count == 0 { return bytes }
            bytes.append(contentsOf: chunk[..<count])
            if bytes.count > limit { throw SystemError(call: "read", object: name, code: EFBIG) }
        }
    }

    /// A file's text without trailing white space.
    public static func text(_ path: String, limit: Int = 1 << 20) throws -> String {
        let bytes = try read(path, limit: limit)
        let end = bytes.lastIndex { $0 > 0x20 }.map { $0 + 1 } ?? 0
        return String(decoding: bytes[..<end], as: UTF8.self)
    }

    /// Writes into an existing file as one write(2): control files of the kernel.
    public static func poke(_ path: String, _ text: String) throws {
        let file = try Descriptor.open(path, O_WRONLY)
        var text = text
        try text.withUTF8 { bytes in try file.writeAll(UnsafeRawBufferPointer(bytes)) }
    }

    /// Replaces a file as a whole: a temporary beside it, fsync, rename. The reader sees the old or the new.
    ///
    /// What means nothing after a reboot need not be `isDurable`: then a crash of the host may leave it empty.
    public static func replace(
        _ path: String, with bytes: [UInt8], mode: UInt32 = 0o600, isDurable: Bool = true
    ) throws {
        let directory = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        let name = path[(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)...]
        let temporary = "\(directory)/.\(name).tmp"
        do {
            let file = try Descriptor.open(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
            try bytes.withUnsafeBytes { buffer in try file.writeAll(buffer) }
            let raw = file.raw
            try system("fchmod", temporary) { fchmod(raw, mode) }
            if isDurable { try system("fsync", temporary) { fsync(raw) } }
        } catch {
            unlink(temporary)
            throw error
        }
        try system("rename", path) { rename(temporary, path) }
    }

    /// Makes a directory and its missing parents; an existing one keeps its mode.
    public static func makeDirectories(_ path: String, mode: UInt32 = 0o755) throws {
        if mkdir(path, mode) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw SystemError(call: "mkdir", object: path, code: errno)
        }
        try makeDirectories(String(path[..<slash]), mode: mode)
        if mkdir(path, mode) != 0 && errno != EEXIST {
            throw SystemError(call: "mkdir", object: path, code: errno)
        }
    }

    /// Removes a file; one that is not there is fine.
    public static func remove(_ path: String) throws {
        if unlink(path) != 0 && errno != ENOENT { throw SystemError(call: "unlink", object: path, code: errno) }
    }

    /// Removes an empty directory; one that is not there is fine.
    public static func removeDirectory(_ path: String) throws {
        if rmdir(path) != 0 && errno != ENOENT { throw SystemError(call: "rmdir", object: path, code: errno) }
    }

    /// Whether something answers stat(2) at the path.
    public static func exists(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0
    }

    /// The names in a directory without `.` and `..`, sorted; empty when there is no such directory.
    public static func names(in directory: String) throws -> [String] {
        guard let stream = opendir(directory) else {
            if errno == ENOENT { return [] }
            throw SystemError(call: "opendir", object: directory, code: errno)
        }
        defer { closedir(stream) }
        return names(of: stream).sorted()
    }

    /// The names that an open directory has from its position on, without `.` and `..`, in no order.
    public static func names(of stream: OpaquePointer) -> [String] {
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    /// What a symbolic link says; a path that is not absolute begins at the directory `directory` is open on.
    public static func linkTarget(_ path: String, at directory: CInt? = nil) throws -> String {
        var buffer = [UInt8](repeating: 0, count: 8_192)
        let count = try buffer.withUnsafeMutableBytes { bytes in
            try system("readlink", path) {
                readlinkat(
                    directory ?? AT_FDCWD, path, bytes.baseAddress!.assumingMemoryBound(to: CChar.self), bytes.count)
            }
        }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }
}
