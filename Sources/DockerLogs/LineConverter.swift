/// Turns a stretch of Docker's json-file log into CRI log lines.
///
/// What comes out depends on the bytes of the file only, never on where a stretch happens to end: that is what makes
/// a position in both files enough to go on exactly after a crash. A change of the output for any input must raise
/// ``Checkpoint/version``.
struct LineConverter {
    /// The most content a CRI line carries, as containerd's; longer content goes on in further lines.
    static let contentLimit = 16 << 10
    /// The longest physical line that is read; 16 KiB of content need at most 96 KiB as JSON, the rest is `attrs`.
    static let lineLimit = 256 << 10

    /// The CRI lines of the last ``convert(_:)``.
    let output = ByteBuffer(capacity: lineLimit + (4 << 10))
    /// Inside a line that is too long: all up to its end is passed over.
    var isPassingLine = false
    /// Entries that are no later than this are left out; set when the place to go on from is not known otherwise.
    var notBefore: [UInt8]?
    /// Entries in the last stretch.
    private(set) var lines: UInt64 = 0
    /// Lines in the last stretch that were none.
    private(set) var malformed: UInt64 = 0

    /// Converts all complete lines of `chunk`, which begins where the last call's consumption ended.
    ///
    /// Answers how many bytes are done with. An incomplete last line is not consumed, unless it fills ``lineLimit``.
    mutating func convert(_ chunk: UnsafeRawBufferPointer) -> Int {
        begin()
        var position = 0
        while position < chunk.count {
            // A file truncated under Docker's own feet goes on behind a hole.
            if !isPassingLine && chunk[position] == 0 {
                position += 1
                continue
            }
            guard let end = chunk.index(of: UInt8(ascii: "\n"), in: position..<chunk.count) else {
                return position + consumedOfOpenLine(chunk.count - position)
            }
            if isPassingLine {
                isPassingLine = false
            } else {
                convertLine(UnsafeRawBufferPointer(rebasing: chunk[position..<end]))
            }
            position = end + 1
        }
        return position
    }

    /// Converts the entries in a last line that has no end; answers how many bytes they take.
    mutating func convertOpenLine(_ line: UnsafeRawBufferPointer) -> Int {
        begin()
        var position = 0
        while !isPassingLine, let entry = EntryParser.entry(in: line, from: position) {
            emit(entry, of: line)
            position = entry.end
        }
        return position
    }

    private mutating func begin() {
        output.truncate(to: 0)
        lines = 0
        malformed = 0
    }

    private mutating func consumedOfOpenLine(_ length: Int) -> Int {
        if !isPassingLine {
            guard length >= Self.lineLimit else { return 0 }
            isPassingLine = true
            malformed += 1
        }
        return length
    }

    /// One physical line: an entry, or what a torn write of dockerd made of it.
    private mutating func convertLine(_ line: UnsafeRawBufferPointer) {
        var position = 0
        while !isBlank(line, from: position) {
            guard let entry = EntryParser.entry(in: line, from: position) else {
                malformed += 1
                if let entry = lastEntry(in: line, after: position) { emit(entry, of: line) }
                return
            }
            emit(entry, of: line)
            position = entry.end
        }
    }

    private func isBlank(_ line: UnsafeRawBufferPointer, from start: Int) -> Bool {
        for index in start..<line.count where line[index] > 0x20 { return false }
        return true
    }

    /// The entry that a restarted dockerd wrote behind a torn one.
    ///
    /// Inside a JSON string every quote is escaped, so `{"log":` cannot be content. The attempts are few, so that a line
    /// made of nothing else costs little.
    private func lastEntry(in line: UnsafeRawBufferPointer, after start: Int) -> Entry? {
        let opening: StaticString = "{\"log\":"
        var attempts = 8
        var end = line.count - opening.utf8CodeUnitCount
        while end > start && attempts > 0 {
            if line[end] == UInt8(ascii: "{"), line.matches(opening, in: end..<end + opening.utf8CodeUnitCount) {
                attempts -= 1
                if let entry = EntryParser.entry(in: line, from: end), isBlank(line, from: entry.end) { return entry }
            }
            end -= 1
        }
        return nil
    }

    private mutating func emit(_ entry: Entry, of line: UnsafeRawBufferPointer) {
        if let notBefore {
            guard Timestamp.isLater(line[entry.time], than: notBefore) else { return }
            self.notBefore = nil
        }
        output.append(entry, of: line)
        lines += 1
    }
}
