/// Command line flags in a file's text, in unit files as in environment files: changed where they stand, and nothing
/// else is.
struct FlagText {
    /// One flag of the text.
    struct Occurrence {
        /// Without dashes in front, and with dashes where `_` may stand.
        var name: String
        var value: String
        /// From the first dash to the value's end.
        fileprivate var range: Range<Int>
        fileprivate var valueRange: Range<Int>
    }

    private(set) var bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The flags with these names, in the text's order. Comments are passed over.
    func occurrences(of names: Set<String>) -> [Occurrence] {
        var found: [Occurrence] = []
        for line in lines where !isComment(line) {
            var index = line.lowerBound
            while let occurrence = next(in: line, from: &index, names) { found.append(occurrence) }
        }
        return found
    }

    /// Gives every flag of that name the value. Throws ``MigrationError`` where one's value is not written out.
    mutating func set(_ name: String, _ value: String) throws {
        for occurrence in occurrences(of: [name]).reversed() where occurrence.value != value {
            try checkIsPlain(occurrence)
            bytes.replaceSubrange(occurrence.valueRange, with: value.utf8)
        }
    }

    /// Takes the flags away, and lines that held nothing else. Throws ``MigrationError`` as ``set(_:_:)``.
    mutating func remove(_ names: Set<String>) throws {
        for occurrence in occurrences(of: names).reversed() {
            try checkIsPlain(occurrence)
            remove(occurrence.range)
        }
    }

    /// Adds a flag to the end of a variable's value, `NAME="…"` or `NAME=…`; false when the text has no such variable.
    mutating func append(_ flag: String, toVariable variable: String) -> Bool {
        guard
            let line = lines.last(where: { !isComment($0) && bytes[$0].starts(with: "\(variable)=".utf8) })
        else { return false }
        let start = line.lowerBound + variable.utf8.count + 1
        var end = line.upperBound
        while end > start, isBlank(bytes[end - 1]) { end -= 1 }
        let quote: UInt8? = start < end && isQuote(bytes[start]) ? bytes[start] : nil
        if let quote {
            guard end - start >= 2, bytes[end - 1] == quote else { return false }
            let isEmpty = end - start == 2
            bytes.insert(contentsOf: ((isEmpty ? "" : " ") + flag).utf8, at: end - 1)
        } else {
            // Both systemd and shells take what is not quoted as one word only in part: quote it.
            bytes.insert(UInt8(ascii: "\""), at: end)
            bytes.insert(contentsOf: ((start == end ? "" : " ") + flag).utf8, at: end)
            bytes.insert(UInt8(ascii: "\""), at: start)
        }
        return true
    }

    // MARK: Reading

    /// Without their line feeds.
    private var lines: [Range<Int>] {
        var lines: [Range<Int>] = []
        var start = 0
        for index in bytes.indices where bytes[index] == UInt8(ascii: "\n") {
            lines.append(start..<index)
            start = index + 1
        }
        return lines + [start..<bytes.count]
    }

    private func isComment(_ line: Range<Int>) -> Bool {
        let first = bytes[line].first { !isBlank($0) }
        return first == UInt8(ascii: "#") || first == UInt8(ascii: ";")
    }

    private func next(in line: Range<Int>, from index: inout Int, _ names: Set<String>) -> Occurrence? {
        while index + 2 < line.upperBound {
            defer { index += 1 }
            guard bytes[index] == dash, bytes[index + 1] == dash, isBoundary(index - 1, line) else { continue }
            var end = index + 2
            while end < line.upperBound, isNamePart(bytes[end]) { end += 1 }
            let name = String(decoding: bytes[index + 2..<end].map { $0 == underscore ? dash : $0 }, as: UTF8.self)
            guard names.contains(name) else { continue }
            let value = valueRange(from: end, line)
            let range = index..<max(end, value.upperBound)
            index = range.upperBound
            var text = String(decoding: bytes[value], as: UTF8.self)
            if let first = text.utf8.first, isQuote(first) { text = String(text.dropFirst().dropLast()) }
            return Occurrence(name: name, value: text, range: range, valueRange: value)
        }
        return nil
    }

    /// Where the value stands, behind `=` or blanks; empty where there is none.
    private func valueRange(from end: Int, _ line: Range<Int>) -> Range<Int> {
        var start = end
        if start < line.upperBound, bytes[start] == UInt8(ascii: "=") {
            start += 1
        } else {
            while start < line.upperBound, isBlank(bytes[start]) { start += 1 }
            // The next flag, a closing quote or the line's end: a flag without a value.
            guard start > end, start < line.upperBound, bytes[start] != dash, bytes[start] != backslash,
                !isQuote(bytes[start])
            else { return end..<end }
        }
        var stop = start
        if stop < line.upperBound, isQuote(bytes[stop]), stop + 1 < line.upperBound, !isBlank(bytes[stop + 1]) {
            let quote = bytes[stop]
            if let close = bytes[(stop + 1)..<line.upperBound].firstIndex(of: quote) { return start..<close + 1 }
        }
        while stop < line.upperBound, !isBlank(bytes[stop]), !isQuote(bytes[stop]) { stop += 1 }
        return start..<stop
    }

    private func isBoundary(_ index: Int, _ line: Range<Int>) -> Bool {
        guard index >= line.lowerBound else { return true }
        return isBlank(bytes[index]) || isQuote(bytes[index]) || bytes[index] == UInt8(ascii: "=")
    }

    /// Variables and escapes cannot be replaced by what they stand for.
    private func checkIsPlain(_ occurrence: Occurrence) throws {
        guard !occurrence.value.utf8.contains(where: { "$\\`%".utf8.contains($0) }) else {
            throw MigrationError("--\(occurrence.name) has the value \(occurrence.value): write it out")
        }
    }

    // MARK: Removing

    private mutating func remove(_ range: Range<Int>) {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start > 0, isBlank(bytes[start - 1]) { start -= 1 }
        let opensLine = start == 0 || bytes[start - 1] == UInt8(ascii: "\n")
        let opensValue = !opensLine && (isQuote(bytes[start - 1]) || bytes[start - 1] == UInt8(ascii: "="))
        if opensValue || (opensLine && !isLast(end)) {
            if opensLine { start = range.lowerBound }
            while end < bytes.count, isBlank(bytes[end]) { end += 1 }
        }
        bytes.removeSubrange(start..<end)
        removeEmptyLine(at: start)
    }

    /// Whether nothing but blanks follows on the line.
    private func isLast(_ index: Int) -> Bool {
        let next = bytes[index...].first { !isBlank($0) }
        return next == nil || next == UInt8(ascii: "\n")
    }

    /// A line of which only its continuation is left goes, and so does the last one of a continued command.
    private mutating func removeEmptyLine(at index: Int) {
        guard let line = lines.last(where: { $0.lowerBound <= index }) else { return }
        let rest = bytes[line].filter { !isBlank($0) }
        if rest == [backslash] {
            bytes.removeSubrange(line.lowerBound..<min(line.upperBound + 1, bytes.count))
        } else if rest.isEmpty, line.lowerBound >= 2, bytes[line.lowerBound - 2] == backslash {
            var start = line.lowerBound - 2
            while start > 0, isBlank(bytes[start - 1]) { start -= 1 }
            bytes.removeSubrange(start..<line.upperBound)
        }
    }
}

private let dash = UInt8(ascii: "-")
private let underscore = UInt8(ascii: "_")
private let backslash = UInt8(ascii: "\\")

private func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

private func isQuote(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") }

private func isNamePart(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), dash, underscore:
        true
    default: false
    }
}
