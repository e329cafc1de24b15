internal import CExecutor
internal import Glibc
public import Linux

/// A process in a container whose streams and end are ours. Letting go of it, or our death, ends the process and all
/// that it left, unless it has ended by itself before.
public struct ExecSession: ~Copyable, Sendable {
    /// Of the process, as the host sees it.
    public let pid: Int32
    /// What the process reads: a pipe that does not block, closed when it is let go. With a terminal nil.
    public var stdin: Descriptor?
    /// Its output; with a terminal its master, for both directions, which fails with EIO at the end. Does not block.
    public var stdout: Descriptor?
    /// Its errors; with a terminal nil.
    public var stderr: Descriptor?
    /// Readable, for poll(2) and its like, once the process has ended; see ``exitCode()``.
    public let control: Descriptor
    /// Whether it has a terminal.
    public let isTerminal: Bool

    init(_ started: consuming Container.Started, _ pipes: consuming SessionPipes) throws {
        guard let socket = started.control.take() else { throw ExecutorError("monitor: no attendant") }
        let hasTerminal = started.terminal != nil
        if let master = started.terminal.take() { pipes.stdout = try master.nonblocking() }
        pid = started.pid
        isTerminal = hasTerminal
        control = socket
        stdin = pipes.stdin.take()
        stdout = pipes.stdout.take()
        stderr = pipes.stderr.take()
    }

    /// How the process ended: its exit code, or 128 and the number of the signal; nil while it runs. Never blocks.
    ///
    /// Throws when that will never be known, since who stayed with it was killed.
    public func exitCode() throws -> Int32? { try AttendantSocket.exitCode(control.raw) }

    /// Kills the process and all that it started; its end is told as always. Without effect once it has ended.
    public func kill() { AttendantSocket.kill(control.raw) }

    /// Sets the size of the terminal in characters; without a terminal nothing.
    public func resize(rows: UInt16, columns: UInt16) throws {
        guard isTerminal else { return }
        try Terminal.resize(stdout.number, rows: rows, columns: columns)
    }

    /// Waits for the end, at most so long; false when it goes on. Blocks the thread.
    public func waitForExit(milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: control.raw, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, milliseconds) > 0
    }
}

/// What is said over the socket to who stays with an exec's process.
enum AttendantSocket {
    static func exitCode(_ socket: CInt) throws -> Int32? {
        var status: Int32 = 0
        // What is only looked at can be asked for again.
        let flags = CInt(MSG_PEEK) | CInt(MSG_DONTWAIT)
        let count = recv(socket, &status, MemoryLayout<Int32>.size, flags)
        if count == MemoryLayout<Int32>.size { return status & 0x7f == 0 ? status >> 8 & 0xff : 128 + status & 0x7f }
        if count < 0 && (errno == EAGAIN || errno == EINTR) { return nil }
        throw ExecutorError("the end of the process is not known")
    }

    static func kill(_ socket: CInt) {
        var word = UInt8(FENDER_KILL)
        let flags = CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT)
        send(socket, &word, 1, flags)
    }
}

/// ioctl(2) on masters of terminals.
enum Terminal {
    static func resize(_ master: CInt, rows: UInt16, columns: UInt16) throws {
        try system("resize terminal") { fender_resize(master, rows, columns) }
    }
}

extension Optional where Wrapped == Descriptor {
    /// What poll(2) takes: -1 for none.
    var number: CInt {
        switch self {
        case .some(let file): file.raw
        case .none: -1
        }
    }
}
