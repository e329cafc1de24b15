internal import Glibc
public import Linux

extension ExecSession {
    /// What a process came to whose output was collected.
    public struct Collected: Sendable, Equatable {
        /// Its output, as far as the limit went.
        public var stdout: [UInt8] = []
        /// Its errors, as far as the limit went.
        public var stderr: [UInt8] = []
        /// The exit code; nil when it was killed for its time or for its caller, which leaves nothing of it.
        public var code: Int32?
        /// Whether there was more output than the limit.
        public var isCut = false
    }

    /// Waits for the end and collects the output, at most `limit` bytes of both streams together; the rest is read and
    /// forgotten. Blocks the thread.
    ///
    /// The output ends with the process: what it left running and still holds the streams is not waited for. At
    /// `deadline`, or once `cancelled` is set, the process is killed with all that it started.
    public consuming func collect(
        limit: Int, deadline: ContinuousClock.Instant? = nil, cancelled: WakeEvent? = nil
    ) throws -> Collected {
        var collected = Collected()
        stdin = nil
        var isKilled = false
        while true {
            var entries = [
                entry(stdout.number), entry(stderr.number), entry(control.raw), entry(-1),
            ]
            if let cancelled, !isKilled { entries[3] = cancelled.pollEntry }
            let count = poll(&entries, nfds_t(entries.count), isKilled ? -1 : Self.milliseconds(until: deadline))
            if count < 0 { continue }
            if entries[0].revents != 0 { try Self.read(&stdout, limit, &collected, \.stdout) }
            if entries[1].revents != 0 { try Self.read(&stderr, limit, &collected, \.stderr) }
            if entries[2].revents != 0 {
                try drain(limit, &collected)
                collected.code = isKilled ? nil : try exitCode()
                return collected
            }
            if !isKilled, count == 0 || entries[3].revents != 0 {
                isKilled = true
                kill()
            }
        }
    }

    private func entry(_ number: CInt) -> pollfd { pollfd(fd: number, events: Int16(POLLIN), revents: 0) }

    private static func milliseconds(until deadline: ContinuousClock.Instant?) -> CInt {
        guard let deadline else { return -1 }
        let left = (deadline - .now).components
        if left.seconds < 0 { return 0 }
        // Rounded up: to be early would be to go around in circles.
        return CInt(
            clamping: left.seconds.multipliedReportingOverflow(by: 1000).partialValue
                + left.attoseconds / 1_000_000_000_000_000 + 1)
    }

    /// All that is there after the end.
    private mutating func drain(_ limit: Int, _ collected: inout Collected) throws {
        // As much as any pipe holds; somebody may go on writing.
        for _ in 0..<64 {
            guard try Self.read(&stdout, limit, &collected, \.stdout) else { break }
        }
        for _ in 0..<64 {
            guard try Self.read(&stderr, limit, &collected, \.stderr) else { break }
        }
    }

    /// One read; false when nothing is there.
    @discardableResult
    private static func read(
        _ file: inout Descriptor?, _ limit: Int, _ collected: inout Collected,
        _ stream: WritableKeyPath<Collected, [UInt8]>
    ) throws -> Bool {
        let raw = file.number
        if raw < 0 { return false }
        let room = limit - collected.stdout.count - collected.stderr.count
        let result = withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 16) { buffer in
            let count = Glibc.read(raw, buffer.baseAddress, buffer.count)
            if count > 0 {
                collected[keyPath: stream].append(contentsOf: buffer[..<min(count, max(0, room))])
                if count > room { collected.isCut = true }
            }
            return count < 0 && (errno == EAGAIN || errno == EINTR) ? -1 : max(0, count)
        }
        // At the end; a terminal tells that by an error.
        if result == 0 { file = nil }
        return result > 0
    }
}
