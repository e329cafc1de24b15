internal import Glibc
internal import Linux
public import Logging
internal import Synchronization

/// Where the program's log lines go and the level from which on they do; one for the program's life.
///
/// A reader that does not read never holds up the daemon: a line that the descriptor has no room for is dropped,
/// and the next line that gets through tells how many were.
public final class LogOutput: Sendable {
    private let isJSON: Atomic<Bool>
    private let isJournal: Bool
    private let descriptor: CInt
    private let lowest: Atomic<Int>
    private let dropped = Atomic<Int>(0)

    /// Writes to `descriptor`, which stays the caller's and open.
    ///
    /// - Parameter journalStream: the value of JOURNAL_STREAM; when it names the descriptor, each line of text
    ///   carries its priority as the journal reads it (sd-daemon(3)).
    public init(
        descriptor: Int32 = 2, format: LogFormat = .text, level: Logger.Level = .info, journalStream: String? = nil
    ) {
        self.descriptor = descriptor
        self.isJSON = Atomic(format == .json)
        self.lowest = Atomic(level.rank)
        isJournal = journalStream != nil && journalStream == identity(of: descriptor)
    }

    /// The lowest level that is written; may change at any time.
    public var level: Logger.Level {
        get { Logger.Level.allCases[lowest.load(ordering: .relaxed)] }
        set { lowest.store(newValue.rank, ordering: .relaxed) }
    }

    /// The form of lines; may change at any time.
    public var format: LogFormat {
        get { isJSON.load(ordering: .relaxed) ? .json : .text }
        set { isJSON.store(newValue == .json, ordering: .relaxed) }
    }

    /// Whether lines carry their priority.
    var journal: Bool { isJournal && format == .text }

    /// Makes this the place of every logger that is created from now on; once in a program's life.
    public func bootstrap() {
        LoggingSystem.bootstrap { label in LineLogHandler(label: label, output: self) }
    }

    /// Writes one line, which ends in a newline.
    func write(_ line: [UInt8]) {
        guard hasRoom() else {
            dropped.add(1, ordering: .relaxed)
            return
        }
        let missing = dropped.exchange(0, ordering: .relaxed)
        if missing > 0 { send(LogLine.lost(missing).bytes(format, journal: journal)) }
        send(line)
    }

    private func hasRoom() -> Bool {
        var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        let count = poll(&request, 1, 0)
        return count == 1 && request.revents & Int16(POLLOUT) != 0
    }

    private func send(_ line: [UInt8]) {
        // A line that cannot be written has nowhere to be reported.
        _ = line.withUnsafeBytes { bytes in
            try? system("write") { Glibc.write(descriptor, bytes.baseAddress, bytes.count) }
        }
    }
}

extension Logger.Level {
    var rank: Int { Logger.Level.allCases.firstIndex(of: self) ?? 0 }
}

/// "device:inode" as in JOURNAL_STREAM.
private func identity(of descriptor: CInt) -> String? {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? "\(status.st_dev):\(status.st_ino)" : nil
}
