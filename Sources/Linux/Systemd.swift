internal import CLinux
public import Glibc

/// What the service manager told this process, and the way to answer it: sd_notify(3), sd_listen_fds(3) and
/// sd_watchdog_enabled(3) without libsystemd.
public struct Systemd: Sendable {
    /// Where notifications go; an abstract socket begins with `@`. Nil when nobody listens.
    public let notifySocket: String?
    /// How long the manager waits for a sign of life before it restarts us; nil when it does not watch.
    public let watchdog: Duration?
    /// The sockets it passed, in its order.
    public let sockets: [PassedSocket]

    /// The variables that ``init(_:process:)`` reads; programs that we start must not see them.
    public static let variables = [
        "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID",
    ]

    /// Reads the manager's variables; those meant for another process, or malformed, count as absent.
    public init(_ environment: [String: String], process: Int32 = getpid()) {
        notifySocket = environment["NOTIFY_SOCKET"].flatMap { $0.isEmpty ? nil : $0 }
        let watched = environment["WATCHDOG_PID"].map { Int32($0) == process } ?? true
        let period = environment["WATCHDOG_USEC"].flatMap(Int64.init) ?? 0
        watchdog = watched && period > 0 ? .microseconds(period) : nil
        let count = environment["LISTEN_FDS"].flatMap(Int32.init) ?? 0
        guard environment["LISTEN_PID"].flatMap(Int32.init) == process, (1...1024).contains(count) else {
            sockets = []
            return
        }
        let names = (environment["LISTEN_FDNAMES"] ?? "").split(separator: ":", omittingEmptySubsequences: false)
        sockets = (0..<Int(count)).map { index in
            PassedSocket(
                number: firstPassed + Int32(index), name: names.indices.contains(index) ? String(names[index]) : "")
        }
    }

    /// Reads the manager's variables from the environment, where it removes them, and keeps what was passed from
    /// the programs that we start. For the start of the program only.
    public static func take() -> Systemd {
        let systemd = Systemd(Environment.variables())
        for name in variables { Environment.remove(name) }
        for socket in systemd.sockets { _ = fcntl(socket.number, F_SETFD, FD_CLOEXEC) }
        return systemd
    }

    /// Tells the manager all of `states` in one message; without a manager it does nothing.
    ///
    /// - Throws: ``SystemError``; EAGAIN when the manager takes no message for five seconds.
    public func notify(_ states: Notification...) throws {
        guard let notifySocket else { return }
        guard notifySocket.hasPrefix("/") || notifySocket.hasPrefix("@") else {
            throw SystemError(call: "sendto", object: notifySocket, code: EAFNOSUPPORT)
        }
        let (address, length) = try unixAddress(notifySocket)
        let descriptor = Descriptor(
            owning: try system("socket") { socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0) })
        let number = descriptor.raw
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        try system("setsockopt") {
            setsockopt(number, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        let message = Array(states.map(\.text).joined(separator: "\n").utf8)
        try withUnsafePointer(to: address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { target in
                _ = try system("sendto", notifySocket) {
                    sendto(number, message, message.count, CInt(MSG_NOSIGNAL), target, length)
                }
            }
        }
    }

    /// The listening stream socket that was passed under a name or number, the first when `which` is nil.
    ///
    /// The result is a duplicate of the passed descriptor, which stays open.
    /// - Throws: ``SystemError``: ENOENT when none was passed so, ENOTSOCK or EINVAL when it is no listening
    ///   Unix stream socket.
    public func listener(_ which: String? = nil) throws -> Descriptor {
        let found = sockets.first { which == nil || $0.name == which || "\($0.number)" == which }
        guard let found else { throw SystemError(call: "LISTEN_FDS", object: which ?? "", code: ENOENT) }
        guard fcntl(found.number, F_GETFD) != -1 else {
            throw SystemError(call: "fcntl", object: "\(found.number)", code: errno)
        }
        for (option, wanted) in [(SO_DOMAIN, AF_UNIX), (SO_TYPE, CInt(SOCK_STREAM.rawValue)), (SO_ACCEPTCONN, 1)] {
            var value: CInt = 0
            var size = socklen_t(MemoryLayout<CInt>.size)
            try system("getsockopt", "\(found.number)") {
                getsockopt(found.number, SOL_SOCKET, option, &value, &size)
            }
            guard value == wanted else { throw SystemError(call: "listen", object: "\(found.number)", code: EINVAL) }
        }
        return Descriptor(
            owning: try system("fcntl", "\(found.number)") { fcntl(found.number, F_DUPFD_CLOEXEC, firstPassed) })
    }

    /// A socket that the manager opened for us.
    public struct PassedSocket: Sendable, Equatable {
        /// The descriptor's number.
        public let number: Int32
        /// Its name in LISTEN_FDNAMES; empty when it has none.
        public let name: String
    }

    /// What can be told to the manager (sd_notify(3), "Well-known assignments").
    public enum Notification: Sendable, Equatable {
        /// We serve; also the end of reloading.
        case ready
        /// We read our settings again; end it with ``ready``.
        case reloading
        /// We are going away.
        case stopping
        /// We live.
        case watchdog
        /// A line for people, without a newline.
        case status(String)

        var text: String {
            switch self {
            case .ready: "READY=1"
            case .reloading: "RELOADING=1\nMONOTONIC_USEC=\(monotonicMicroseconds())"
            case .stopping: "STOPPING=1"
            case .watchdog: "WATCHDOG=1"
            case .status(let line): "STATUS=" + line.split(separator: "\n").joined(separator: " ")
            }
        }
    }
}

/// SD_LISTEN_FDS_START.
private let firstPassed: Int32 = 3

/// CLOCK_MONOTONIC, which `Type=notify-reload` compares with its own reading.
private func monotonicMicroseconds() -> Int {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return now.tv_sec * 1_000_000 + now.tv_nsec / 1000
}

/// The address of a path or, with a leading `@`, of an abstract socket; ENAMETOOLONG when it does not fit.
private func unixAddress(_ name: String) throws -> (sockaddr_un, socklen_t) {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(name.utf8)
    let abstract = bytes.first == UInt8(ascii: "@")
    if abstract { bytes[0] = 0 }
    let room = MemoryLayout.size(ofValue: address.sun_path)
    guard bytes.count <= (abstract ? room : room - 1) else {
        throw SystemError(call: "sendto", object: name, code: ENAMETOOLONG)
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
    return (address, socklen_t(offset + bytes.count + (abstract ? 0 : 1)))
}
