internal import CLinux
internal import Glibc

/// One run of a ``Command``; lives on the thread that does it.
struct CommandRun: ~Copyable {
    private let command: Command
    private let cancelled: WakeEvent
    private let child: Child
    private var input: Descriptor?
    private var sent = 0
    private var output: Stream
    private var errors: Stream
    private static let errorLimit = 64 << 10

    static func start(_ command: Command, cancelled: WakeEvent) throws -> CommandRun {
        let inward = try Pipe()
        let outward = try Pipe()
        let complaints = try Pipe()
        for raw in [inward.writer.raw, outward.reader.raw, complaints.reader.raw] { try setNonBlocking(raw) }
        let child = try Child.start(
            command, [inward.reader.raw, outward.writer.raw, complaints.writer.raw], giveUp: cancelled)
        return CommandRun(
            command: command, cancelled: cancelled, child: child, input: inward.writer,
            output: Stream(outward.reader), errors: Stream(complaints.reader))
    }

    private init(
        command: Command, cancelled: WakeEvent, child: consuming Child, input: consuming Descriptor,
        output: consuming Stream, errors: consuming Stream
    ) {
        self.command = command
        self.cancelled = cancelled
        self.child = child
        self.input = command.input.isEmpty ? nil : consume input
        self.output = output
        self.errors = errors
    }

    /// Feeds and reads the program until it ends or has to be killed.
    consuming func finish() -> Command.Outcome {
        let reason = serve()
        if reason != nil { child.kill() }
        let status = child.reap(atMost: reason == nil ? nil : 5_000)
        // What the program left in the pipes, without waiting for descendants that hold them open.
        while output.bytes.count <= command.outputLimit, output.hasInput { output.read() }
        var rounds = 0
        while rounds < 16, errors.hasInput {
            errors.read()
            rounds += 1
        }
        return Command.Outcome(
            status: status, kill: reason, output: output.bytes, errors: Array(errors.bytes.suffix(Self.errorLimit)))
    }

    private mutating func serve() -> Command.Kill? {
        while true {
            var entries = [
                child.pollEntry, cancelled.pollEntry, output.pollEntry, errors.pollEntry,
                // poll(2) passes over negative descriptors.
                pollfd(fd: input?.raw ?? -1, events: Int16(POLLOUT), revents: 0),
            ]
            let left = milliseconds(until: command.deadline)
            if left == 0 { return .deadline }
            if poll(&entries, nfds_t(entries.count), left) < 0 { continue }
            if entries[0].revents != 0 { return nil }
            if entries[1].revents != 0 { return .cancelled }
            if entries[2].revents != 0 { output.read(keeping: command.dropsOutput ? 0 : .max) }
            if entries[3].revents != 0 { errors.read(keeping: Self.errorLimit) }
            if entries[4].revents != 0 { feed() }
            if output.bytes.count > command.outputLimit { return .output }
        }
    }

    private mutating func feed() {
        guard let raw = input?.raw else { return }
        let count = command.input.withUnsafeBytes { Glibc.write(raw, $0.baseAddress! + sent, $0.count - sent) }
        if count > 0 { sent += count }
        // A program that closed its input (EPIPE) has read all it wants.
        let broken = count < 0 && errno != EAGAIN && errno != EINTR
        if broken || sent == command.input.count { input = nil }
    }
}

/// The reading end of a pipe and what came out of it.
private struct Stream: ~Copyable {
    private var source: Descriptor?
    private(set) var bytes: [UInt8] = []

    init(_ source: consuming Descriptor) { self.source = consume source }

    /// Readable when there is data or the end; passed over once the end was seen.
    var pollEntry: pollfd {
        mutating get { pollfd(fd: source?.raw ?? -1, events: Int16(POLLIN), revents: 0) }
    }

    var hasInput: Bool {
        mutating get {
            var entries = [pollEntry]
            return poll(&entries, 1, 0) > 0
        }
    }

    /// Takes what is there, keeping the last `limit` bytes of all; at the end of the pipe its descriptor goes.
    mutating func read(keeping limit: Int = .max) {
        guard let raw = source?.raw else { return }
        let size = 16 << 10
        var ended = false
        withUnsafeTemporaryAllocation(byteCount: size, alignment: 1) { chunk in
            let count = Glibc.read(raw, chunk.baseAddress, size)
            if count > 0 { bytes.append(contentsOf: chunk[..<count]) }
            ended = count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)
        }
        if ended { source = nil }
        if bytes.count > limit { bytes.removeFirst(bytes.count - limit) }
    }
}

/// Both ends of a pipe(2).
private struct Pipe: ~Copyable {
    let reader: Descriptor
    let writer: Descriptor

    init() throws {
        var ends: [CInt] = [-1, -1]
        try system("pipe2") { fender_pipe(&ends) }
        reader = Descriptor(owning: ends[0])
        writer = Descriptor(owning: ends[1])
    }
}

private func setNonBlocking(_ raw: CInt) throws {
    try system("fcntl") { fcntl(raw, F_SETFL, O_NONBLOCK) }
}

/// Milliseconds for poll(2): rounded up, -1 without a deadline, 0 when it has passed.
func milliseconds(until deadline: ContinuousClock.Instant?) -> CInt {
    guard let deadline else { return -1 }
    let (seconds, attoseconds) = (deadline - .now).components
    if seconds < 0 || attoseconds < 0 { return 0 }
    if seconds > 1_000_000 { return 1_000_000_000 }
    return CInt(seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
}
