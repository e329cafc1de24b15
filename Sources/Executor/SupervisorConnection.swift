internal import CExecutor
internal import Glibc
internal import Linux

/// A connection to the supervisor of a container, which speaks in messages (`executor_supervisor.h`).
struct SupervisorConnection: ~Copyable {
    let socket: Descriptor

    /// Throws SystemError ECONNREFUSED or ENOENT when the supervisor is gone.
    init(_ path: String) throws {
        let kind = CInt(SOCK_SEQPACKET.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        let made = Descriptor(owning: try system("socket") { Glibc.socket(AF_UNIX, kind, 0) })
        // The path may be longer than an address.
        let slash = path.lastIndex(of: "/") ?? path.startIndex
        let directory = try Descriptor.open(String(path[..<slash]), O_RDONLY | O_DIRECTORY)
        try UnixSocket.connect(made, "/proc/self/fd/\(directory.raw)\(path[slash...])", name: path)
        socket = made
    }

    /// Sends a command and waits for its answer; throws SystemError with the answer's errno.
    func command(_ command: fender_command, _ bytes: [UInt8] = []) throws {
        let message = [UInt8(command.rawValue)] + bytes
        let raw = socket.raw
        _ = try message.withUnsafeBytes { buffer in
            try system("send to supervisor") { send(raw, buffer.baseAddress, buffer.count, CInt(MSG_NOSIGNAL)) }
        }
        try answer("\(Character(Unicode.Scalar(UInt8(command.rawValue))))")
    }

    private func answer(_ command: String) throws {
        // It answers at once; what keeps it is a disk that does not take the log.
        var entry = pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0)
        let ready = try system("poll") { poll(&entry, 1, 30_000) }
        guard ready > 0 else { throw SystemError(call: "supervisor", object: command, code: ETIMEDOUT) }
        var buffer = [UInt8](repeating: 0, count: 1 + MemoryLayout<Int32>.size)
        let raw = socket.raw
        let count = try buffer.withUnsafeMutableBytes { bytes in
            try system("receive from supervisor") { recv(raw, bytes.baseAddress, bytes.count, 0) }
        }
        guard count == buffer.count, UInt32(buffer[0]) == FENDER_ANSWER.rawValue else {
            throw SystemError(call: "supervisor", object: command, code: ECONNRESET)
        }
        let code = buffer.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 1, as: Int32.self) }
        if code != 0 { throw SystemError(call: "supervisor", object: command, code: code) }
    }
}

extension Container {
    /// Makes the supervisor open the log anew by its name, after a rotation. Throws when the container has ended, or
    /// when the file cannot be opened; then the old one is written to as before. Blocks the thread.
    public func reopenLog() throws { try asking("reopen log of") { try $0.command(FENDER_REOPEN) } }

    /// Sets the size of the container's terminal in characters. Blocks the thread.
    public func resize(rows: UInt16, columns: UInt16) throws {
        let bytes = [rows, columns].flatMap { size in withUnsafeBytes(of: size) { [UInt8]($0) } }
        try asking("resize terminal of") { try $0.command(FENDER_RESIZE, bytes) }
    }

    /// Sends a signal to the process, and SIGKILL to all after so many milliseconds; the supervisor sees to it, also when
    /// we are gone. Does not wait for the end; of several calls the earliest deadline counts. Blocks the thread.
    public func stop(signal: Int32, graceMilliseconds: UInt32) throws {
        // The process that another runtime shows need not be the one that takes signals; the last one is for it, too.
        let asksRuntime = record.runtime != nil && signal != SIGKILL
        let numbers = [asksRuntime ? 0 : UInt32(bitPattern: signal), graceMilliseconds]
        try asking("stop") { try $0.command(FENDER_STOP, numbers.withUnsafeBytes { [UInt8]($0) }) }
        guard asksRuntime, let runtime = record.runtime else { return }
        do {
            try ask(runtime, ["kill", id, String(signal)])
        } catch {
            // One that has ended meanwhile needs no signal.
            if pid > 0 { throw error }
        }
    }

    /// Closes the input of the process, whoever is attached. Blocks the thread.
    public func closeInput() throws { try asking("close input of") { try $0.command(FENDER_CLOSE_INPUT) } }

    func asking<Value: ~Copyable>(
        _ what: String, _ body: (consuming SupervisorConnection) throws -> Value
    ) throws -> Value {
        do {
            return try body(SupervisorConnection(socketPath))
        } catch let error as SystemError {
            let isGone =
                [ECONNREFUSED, ECONNRESET, EPIPE].contains(error.code)
                || error.code == ENOENT && !Files.exists(socketPath)
            let reason = isGone ? "it is not running" : Errno.text(error.code)
            throw ExecutorError("\(what) container \(id): \(reason)")
        }
    }
}
