internal import CExecutor
internal import Glibc
internal import Linux

/// A running fender-monitor, and what it and the process it makes tell.
final class MonitorProcess {
    enum Report: Equatable {
        case failure(String)
        case warning(String)
        case pid(Int32)
        /// Waits for ``MonitorProcess/go()``.
        case sync
        /// Waits for ``MonitorProcess/go()``.
        case created
        /// The descriptor of a seccomp listener; the receiver closes it.
        case listener(CInt)
        /// The master of the terminal; the receiver closes it.
        case terminal(CInt)
        /// Who stays with the process, and the socket of one that is an attendant; the receiver closes it.
        case supervisor(Int32, CInt)
    }

    private let socket: Descriptor
    private let pid: pid_t
    private var isReaped = false

    /// Starts the program on a plan. It inherits our stdio, or `stdio` for 0 to 2 in its place, `inherited`, and the
    /// descriptors that are not closed on exec.
    init(_ program: MonitorProgram, _ plan: Plan, inherited: [CInt], stdio: [CInt] = []) throws {
        let copy = try program.sealed()
        let message = try MemoryFile.make("plan", holding: plan.bytes)
        var ends: [CInt] = [-1, -1]
        try system("socketpair") { fender_report_pair(&ends) }
        socket = Descriptor(owning: ends[0])
        let theirs = Descriptor(owning: ends[1])
        pid = try Spawn.run(
            "/proc/self/fd/\(copy)", ["fender-monitor", String(message.raw), String(theirs.raw)],
            inherited: inherited + [message.raw, theirs.raw], stdio: stdio)
    }

    deinit { reap() }

    /// The next report; nil once nobody is left to tell anything.
    func next() throws -> Report? {
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        var descriptor: CInt = -1
        let raw = socket.raw
        let count = try buffer.withUnsafeMutableBytes { bytes in
            try system("receive report") { fender_report_receive(raw, bytes.baseAddress, bytes.count, &descriptor) }
        }
        if count == 0 { return nil }
        return try Self.decode(Array(buffer[..<count]), descriptor)
    }

    /// Reads a report; also those that come over the result FIFO.
    static func decode(_ bytes: [UInt8], _ descriptor: CInt = -1) throws -> Report {
        let size = MemoryLayout<fender_report>.size
        guard bytes.count >= size + 2 else { throw ExecutorError("monitor: malformed report") }
        let head = bytes.withUnsafeBytes { $0.loadUnaligned(as: fender_report.self) }
        let texts = bytes[size...].split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        let text = describe(step: texts[0], path: texts.count > 1 ? texts[1] : "", code: head.code)
        switch fender_report_kind(head.kind) {
        case FENDER_REPORT_FAILURE: return .failure(text)
        case FENDER_REPORT_WARNING: return .warning(text)
        case FENDER_REPORT_PID: return .pid(Int32(truncatingIfNeeded: head.value))
        case FENDER_REPORT_SYNC: return .sync
        case FENDER_REPORT_CREATED: return .created
        case FENDER_REPORT_LISTENER: return .listener(descriptor)
        case FENDER_REPORT_TERMINAL: return .terminal(descriptor)
        case FENDER_REPORT_SUPERVISOR: return .supervisor(Int32(truncatingIfNeeded: head.value), descriptor)
        default: throw ExecutorError("monitor: unknown report \(head.kind)")
        }
    }

    /// "step: path: errno text"; a missing program in the words that Docker looks for.
    private static func describe(step: String, path: String, code: CInt) -> String {
        if step.hasPrefix("find executable") { return "exec: \"\(path)\": executable file not found in $PATH" }
        let object = step == "exec" ? "\"\(path)\"" : path
        return ([step, object].filter { !$0.isEmpty } + [Errno.text(code)]).joined(separator: ": ")
    }

    /// Answers a report that waits.
    func go() throws {
        let raw = socket.raw
        do {
            try system("answer monitor") { send(raw, "g", 1, Int32(MSG_NOSIGNAL)) }
        } catch {
            throw ExecutorError("the container's process ended before it was ready")
        }
    }

    /// Collects the monitor's exit; the process it made lives on as our parent's or the nearest subreaper's child.
    func reap() {
        if isReaped { return }
        isReaped = true
        var status: CInt = 0
        while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
    }
}
