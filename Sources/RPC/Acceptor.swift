internal import CLinux
internal import Glibc
internal import Linux
internal import Logging
internal import Synchronization

/// Accepts connections on a thread of its own and hands them on.
///
/// Our own socket instead of the core's, because the core can neither set its mode, nor rename it into place, nor take
/// one from systemd, nor bound the number of connections.
final class Acceptor: Sendable {
    private let listener: UnixListener
    private let stopping: WakeEvent
    private let ended = Latch()
    private let connections = Mutex(Connections())
    private let maximum: Int
    private let logger: Logger
    private let adopt: @Sendable (_ socket: CInt) -> Void

    /// `adopt` takes over a connected socket. Throws ``SystemError`` when there is no descriptor for the wake-up.
    init(
        _ listener: consuming UnixListener, maximum: Int, logger: Logger,
        adopt: @escaping @Sendable (_ socket: CInt) -> Void
    ) throws {
        stopping = try WakeEvent()
        self.listener = listener
        self.maximum = maximum
        self.logger = logger
        self.adopt = adopt
    }

    /// Starts the thread.
    func start() throws {
        try Thread.start("rpc-accept") { [self] in
            run()
            ended.open()
        }
    }

    /// Ends the thread and removes the socket's file; connections handed on stay, and are told.
    func stop() async -> Connections {
        listener.removeFile()
        stopping.set()
        await ended.wait()
        return connections.withLock { $0 }
    }

    private func run() {
        var refusing = false
        var pause: CInt = 0
        while true {
            // After a failure for want of descriptors or memory only the wake-up is watched for a while.
            var watched = [
                stopping.pollEntry,
                pollfd(fd: pause == 0 ? listener.descriptor.raw : -1, events: Int16(POLLIN), revents: 0),
            ]
            if poll(&watched, 2, pause == 0 ? -1 : pause) < 0 && errno != EINTR { return }
            if watched[0].revents != 0 { return }
            pause = acceptAll(&refusing) ? 0 : min(max(50, pause * 2), 1000)
        }
    }

    /// Accepts what is waiting; false when the process or the machine is short of something.
    private func acceptAll(_ refusing: inout Bool) -> Bool {
        while true {
            let socket = fender_accept(listener.descriptor.raw)
            if socket < 0 {
                switch errno {
                case EAGAIN: return true
                case EINTR, ECONNABORTED: continue
                default:
                    logger.warning("\(SystemError(call: "accept", code: errno)); trying again")
                    return false
                }
            }
            if connections.withLock({ $0.add(socket, maximum: maximum) }) {
                adopt(socket)
                refusing = false
            } else {
                close(socket)
                if !refusing { logger.warning("connections are refused: \(maximum) are open") }
                refusing = true
            }
        }
    }
}

/// Which connections are open, although the core closes them without telling.
///
/// A connection is known by its descriptor's number and inode; it is gone when the number stands for something else.
struct Connections: Sendable {
    private var open: [(descriptor: CInt, inode: ino_t)] = []

    /// Takes note of a connection unless there are `maximum` already.
    mutating func add(_ socket: CInt, maximum: Int) -> Bool {
        if open.count >= maximum { open.removeAll { Self.inode($0.descriptor) != $0.inode } }
        guard open.count < maximum, let inode = Self.inode(socket) else { return false }
        open.append((socket, inode))
        return true
    }

    /// Tells every client to make further calls on another connection (GOAWAY, RFC 9113 section 6.8).
    ///
    /// The core can say so only once it answers nothing any more. This is for a moment when it writes nothing: one
    /// write of a whole frame then comes between two of its own.
    func announceEnd() {
        // No error, and as the last stream the highest there can be: all that comes is still answered.
        let frame: [UInt8] = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]
        for connection in open {
            // Ours, so that the number cannot come to stand for something else after it was looked at.
            let copy = fcntl(connection.descriptor, F_DUPFD_CLOEXEC, 3)
            if copy < 0 { continue }
            defer { close(copy) }
            guard Self.inode(copy) == connection.inode else { continue }
            // A client that does not read finds out when the connection ends.
            _ = frame.withUnsafeBytes { send(copy, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL | MSG_DONTWAIT)) }
        }
    }

    private static func inode(_ descriptor: CInt) -> ino_t? {
        var status = stat()
        // EBADF is an answer here: the core has closed the number.
        return fstat(descriptor, &status) == 0 ? status.st_ino : nil
    }
}
