internal import Glibc
internal import Linux
internal import Synchronization

/// An exec's streams for tasks: one reads, another may write and resize.
public final class SessionStreams: Sendable {
    private let loop: ReadinessLoop
    private let stdout: ReadinessLoop.End?
    private let stderr: ReadinessLoop.End?
    private let control: ReadinessLoop.End
    private let isTerminal: Bool
    private let state: Mutex<State>

    private struct State {
        var stdin: ReadinessLoop.End?
        var hasOutput: Bool
        var hasErrors: Bool
        /// Where the next read begins to look, in turns.
        var errorsFirst = false
    }

    /// Takes the session; letting go of this, or ``kill()``, ends the process and all that it left.
    public init(_ session: consuming ExecSession, loop: ReadinessLoop) throws {
        self.loop = loop
        isTerminal = session.isTerminal
        let input = isTerminal ? try session.stdout?.duplicate() : session.stdin.take()
        stdout = ReadinessLoop.End(session.stdout.take())
        stderr = ReadinessLoop.End(session.stderr.take())
        control = ReadinessLoop.End(session.control)
        state = Mutex(
            State(stdin: ReadinessLoop.End(input), hasOutput: stdout != nil, hasErrors: stderr != nil))
    }

    /// The next bytes of output, of stderr or not; nil when there will be none.
    ///
    /// The output ends with the process: what it left running and still holds the streams is not waited for.
    public func read() async throws -> (isErrors: Bool, bytes: [UInt8])? {
        while true {
            // Before the streams are read: what the process wrote is there by then.
            let hasEnded = try hasEnded()
            if let piece = try take() { return piece }
            let open = openOutputs()
            if open.isEmpty || hasEnded { return nil }
            try await loop.ready(open + [control], for: .readable)
        }
    }

    private func hasEnded() throws -> Bool {
        var entry = pollfd(fd: control.file.raw, events: Int16(POLLIN), revents: 0)
        return try system("poll") { poll(&entry, 1, 0) } > 0
    }

    private func openOutputs() -> [ReadinessLoop.End] {
        let (output, errors) = state.withLock { ($0.hasOutput, $0.hasErrors) }
        return [output ? stdout : nil, errors ? stderr : nil].compactMap { $0 }
    }

    private func take() throws -> (isErrors: Bool, bytes: [UInt8])? {
        let first = state.withLock { state in
            state.errorsFirst.toggle()
            return state.errorsFirst
        }
        for isErrors in [first, !first] {
            let isOpen = state.withLock { isErrors ? $0.hasErrors : $0.hasOutput }
            guard isOpen, let end = isErrors ? stderr : stdout else { continue }
            guard let bytes = try end.file.readAvailable() else { continue }
            if !bytes.isEmpty { return (isErrors, bytes) }
            state.withLock { state in
                if isErrors { state.hasErrors = false } else { state.hasOutput = false }
            }
        }
        return nil
    }

    /// Sends input; waits while the process does not take it. Input that nobody reads any more is forgotten.
    public func write(_ bytes: [UInt8]) async throws {
        var rest = bytes[...]
        while !rest.isEmpty, let end = state.withLock({ $0.stdin }) {
            switch try end.file.writeAvailable(rest) {
            case nil: try await loop.ready([end], for: .writable)
            case 0: return closeInput()
            case let count?: rest = rest.dropFirst(count)
            }
        }
    }

    /// No more input comes. A terminal has no such end.
    public func closeInput() {
        if !isTerminal { state.withLock { $0.stdin = nil } }
    }

    /// Sets the terminal's size in characters; without a terminal nothing.
    public func resize(width: UInt16, height: UInt16) throws {
        guard isTerminal, let stdout else { return }
        try Terminal.resize(stdout.file.raw, rows: height, columns: width)
    }

    /// Waits for the end: the exit code, or 128 and the number of the signal. Throws when it will never be known.
    public func exitCode() async throws -> Int32 {
        while true {
            if let code = try AttendantSocket.exitCode(control.file.raw) { return code }
            try await loop.ready([control], for: .readable)
        }
    }

    /// Ends the process and all that it left, unless it has ended by itself. Never waits.
    public func kill() { AttendantSocket.kill(control.file.raw) }
}

extension Descriptor {
    /// dup(2) of its own.
    borrowing func duplicate() throws -> Descriptor {
        let number = raw
        return Descriptor(owning: try system("fcntl") { fcntl(number, F_DUPFD_CLOEXEC, 0) })
    }

    /// What can be read now; nil for nothing yet, empty at the end, which a terminal tells by EIO.
    borrowing func readAvailable() throws -> [UInt8]? {
        let number = raw
        return try withUnsafeTemporaryAllocation(byteCount: 32 << 10, alignment: 16) { buffer in
            while true {
                let count = Glibc.read(number, buffer.baseAddress, buffer.count)
                if count >= 0 { return [UInt8](buffer[..<count]) }
                if errno == EAGAIN { return nil }
                if errno == EIO { return [] }
                if errno != EINTR { throw SystemError(call: "read", object: "stream", code: errno) }
            }
        }
    }

    /// Writes what fits now; nil when that is nothing, 0 when nobody reads it any more.
    borrowing func writeAvailable(_ bytes: ArraySlice<UInt8>) throws -> Int? {
        let number = raw
        while true {
            let count = bytes.withUnsafeBytes { Glibc.write(number, $0.baseAddress, $0.count) }
            if count > 0 { return count }
            if errno == EAGAIN { return nil }
            if errno == EPIPE || errno == EIO { return 0 }
            if errno != EINTR { throw SystemError(call: "write", object: "stream", code: errno) }
        }
    }
}
