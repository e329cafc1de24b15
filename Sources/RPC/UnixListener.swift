internal import Glibc
internal import Linux

/// A listening Unix socket: made by us at a path, or inherited.
struct UnixListener: ~Copyable, Sendable {
    let descriptor: Descriptor
    /// The file we made, to know it again at the end.
    private let file: (path: String, device: dev_t, inode: ino_t)?

    /// The kernel keeps this many connections that nobody has accepted (net.core.somaxconn may lower it).
    private static let backlog: CInt = 1024

    /// Throws ``ListenError`` or ``SystemError``.
    static func open(_ endpoint: Server.Endpoint) throws -> UnixListener {
        switch endpoint {
        case .path(let path, let mode, let group): try make(path, mode: mode, group: group)
        case .inherited(let number): try inherit(number)
        }
    }

    private init(_ descriptor: consuming Descriptor, file: (path: String, device: dev_t, inode: ino_t)?) {
        self.descriptor = descriptor
        self.file = file
    }

    private static func inherit(_ number: CInt) throws -> UnixListener {
        var domain: CInt = 0
        var accepting: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        // EBADF is an answer here, not a bug: the number comes from outside.
        guard getsockopt(number, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0,
            getsockopt(number, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &length) == 0,
            domain == AF_UNIX, accepting != 0
        else { throw ListenError.notAListener(number) }
        let descriptor = Descriptor(owning: number)
        try system("fcntl") { fcntl(number, F_SETFD, FD_CLOEXEC) }
        let flags = try system("fcntl") { fcntl(number, F_GETFL) }
        try system("fcntl") { fcntl(number, F_SETFL, flags | O_NONBLOCK) }
        return UnixListener(descriptor, file: nil)
    }

    private static func make(_ path: String, mode: UInt32, group: UInt32?) throws -> UnixListener {
        guard path.hasPrefix("/"), let slash = path.lastIndex(of: "/"), !path.hasSuffix("/") else {
            throw ListenError.notAbsolute(path)
        }
        _ = try UnixAddress(path)
        let name = String(path[path.index(after: slash)...])
        let directory = try Descriptor.open(String(path[...slash]), O_RDONLY | O_DIRECTORY)
        let at = directory.raw
        // Of two servers that start at once, one fails here instead of replacing the other's socket. The lock goes with
        // the descriptor.
        do {
            try system("flock", path) { flock(at, LOCK_EX | LOCK_NB) }
        } catch let error as SystemError where error.code == EWOULDBLOCK {
            throw ListenError.startingElsewhere(path)
        }
        try refuseUnlessStale(path)

        let socket = try socket()
        let number = socket.raw
        // What a server that was killed here has left is replaced.
        let temporary = ".fender.sock.new"
        unlinkat(at, temporary, 0)
        // Through the directory's descriptor the address fits where the temporary name does not; else ss(8) shall show
        // the directory.
        let plain = path[...slash] + temporary
        let bound = plain.utf8.count <= UnixAddress.limit ? String(plain) : "/proc/self/fd/\(at)/\(temporary)"
        try UnixAddress(bound).with { address, length in
            _ = try system("bind", path) { bind(number, address, length) }
        }
        do {
            try system("fchmodat", path) { fchmodat(at, temporary, mode, 0) }
            if let group { try system("fchownat", path) { fchownat(at, temporary, uid_t.max, group, 0) } }
            var status = stat()
            try system("fstatat", path) { fstatat(at, temporary, &status, AT_SYMLINK_NOFOLLOW) }
            // A client that finds the path must find a listener behind it.
            try system("listen", path) { listen(number, backlog) }
            try system("renameat", path) { renameat(at, temporary, at, name) }
            return UnixListener(socket, file: (path, status.st_dev, status.st_ino))
        } catch {
            unlinkat(at, temporary, 0)
            throw error
        }
    }

    /// Throws when something other than a socket that nobody listens on is at `path`.
    private static func refuseUnlessStale(_ path: String) throws {
        var status = stat()
        if lstat(path, &status) != 0 {
            if errno == ENOENT { return }
            throw SystemError(call: "lstat", object: path, code: errno)
        }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw ListenError.notASocket(path) }
        let probe = try socket()
        let number = probe.raw
        do {
            try UnixAddress(path).with { address, length in
                _ = try system("connect", path) { connect(number, address, length) }
            }
        } catch let error as SystemError where error.code == ECONNREFUSED || error.code == ENOENT {
            return
        } catch let error as SystemError where error.code == EAGAIN {
            throw ListenError.alreadyServed(path)  // Its queue is full, so it lives.
        }
        throw ListenError.alreadyServed(path)
    }

    private static func socket() throws -> Descriptor {
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        return Descriptor(owning: try system("socket") { Glibc.socket(AF_UNIX, kind, 0) })
    }

    /// Removes the file if it is still the one we made.
    func removeFile() {
        guard let file else { return }
        var status = stat()
        guard lstat(file.path, &status) == 0, status.st_dev == file.device, status.st_ino == file.inode else { return }
        unlink(file.path)
    }
}

/// Why a socket cannot be listened on.
enum ListenError: Error, Hashable, CustomStringConvertible {
    case notAbsolute(String)
    case tooLong(String)
    case notASocket(String)
    case alreadyServed(String)
    case startingElsewhere(String)
    case notAListener(CInt)

    var description: String {
        switch self {
        case .notAbsolute(let path): "listen on \(path): not an absolute path of a file"
        case .tooLong(let path): "listen on \(path): longer than the \(UnixAddress.limit) bytes of a socket address"
        case .notASocket(let path): "listen on \(path): something other than a socket is there"
        case .alreadyServed(let path): "listen on \(path): another server answers there"
        case .startingElsewhere(let path): "listen on \(path): another server is starting in that directory"
        case .notAListener(let number): "inherited descriptor \(number) is not a listening Unix socket"
        }
    }
}

/// A sockaddr_un.
struct UnixAddress {
    /// The longest path in bytes.
    static let limit = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1
    private var address = sockaddr_un()

    init(_ path: String) throws {
        let bytes = Array(path.utf8)
        guard bytes.count <= Self.limit, !bytes.contains(0) else { throw ListenError.tooLong(path) }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    }

    func with<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) throws -> R) rethrows -> R {
        try withUnsafePointer(to: address) {
            try $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                try body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
