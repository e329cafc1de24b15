/// Where the parts of one json-file entry stand in the line that holds it.
struct Entry {
    /// The inside of the `log` string, escapes not yet undone.
    var log: Range<Int>
    var isStderr: Bool
    /// RFC 3339 with up to nine digits after the point, as Docker wrote it.
    var time: Range<Int>
    /// Just after the closing brace.
    var end: Int
}

/// Finds the fields of a Docker log entry, `{"log":"…","stream":"stdout","time":"…"}`, in any order.
///
/// Other fields (`attrs`) are passed over without being understood. Each byte is looked at a bounded number of times
/// whatever the input is, and nothing recurses.
struct EntryParser {
    private let line: UnsafeRawBufferPointer
    private var position: Int

    /// The entry that begins at `start`; nil if there is none or a field is missing or senseless.
    static func entry(in line: UnsafeRawBufferPointer, from start: Int) -> Entry? {
        var parser = EntryParser(line: line, position: start)
        return parser.entry()
    }

    private init(line: UnsafeRawBufferPointer, position: Int) {
        self.line = line
        self.position = position
    }

    private mutating func entry() -> Entry? {
        var log: Range<Int>?
        var stream: Range<Int>?
        var time: Range<Int>?
        guard take(UInt8(ascii: "{")) else { return nil }
        repeat {
            guard let key = string(), take(UInt8(ascii: ":")) else { return nil }
            if line.matches("log", in: key) {
                log = string()
            } else if line.matches("stream", in: key) {
                stream = string()
            } else if line.matches("time", in: key) {
                time = string()
            } else if !passValue() {
                return nil
            }
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")), let log, let stream, let time else { return nil }
        let isStderr = line.matches("stderr", in: stream)
        guard isStderr || line.matches("stdout", in: stream) else { return nil }
        guard Timestamp.isValid(UnsafeRawBufferPointer(rebasing: line[time])) else { return nil }
        return Entry(log: log, isStderr: isStderr, time: time, end: position)
    }

    /// Passes white space and then `byte`, if that is what stands there.
    private mutating func take(_ byte: UInt8) -> Bool {
        guard next() == byte else { return false }
        position += 1
        return true
    }

    /// The next byte that is no white space.
    private mutating func next() -> UInt8? {
        while position < line.count {
            switch line[position] {
            case 0x20, 0x09, 0x0D: position += 1
            case let byte: return byte
            }
        }
        return nil
    }

    /// Passes a string and answers its inside.
    private mutating func string() -> Range<Int>? {
        guard take(UInt8(ascii: "\"")) else { return nil }
        let start = position
        while let quote = line.index(of: UInt8(ascii: "\""), in: position..<line.count) {
            var slash = quote
            while slash > start && line[slash - 1] == UInt8(ascii: "\\") { slash -= 1 }
            position = quote + 1
            // An even number of backslashes before it leaves a quote its meaning.
            if (quote - slash).isMultiple(of: 2) { return start..<quote }
        }
        position = line.count
        return nil
    }

    private mutating func passValue() -> Bool {
        switch next() {
        case UInt8(ascii: "\""): return string() != nil
        case UInt8(ascii: "{"), UInt8(ascii: "["): return passNested()
        default: return passLiteral()
        }
    }

    private mutating func passNested() -> Bool {
        var depth = 0
        while let byte = next() {
            switch byte {
            case UInt8(ascii: "\""):
                guard string() != nil else { return false }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            position += 1
            if depth == 0 { return true }
        }
        return false
    }

    private mutating func passLiteral() -> Bool {
        let start = position
        while position < line.count {
            switch line[position] {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."),
                UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "E"):
                position += 1
            default: return position > start
            }
        }
        return false
    }
}
