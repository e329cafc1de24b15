/// Reads a TOML 1.0 document whose settings stand at the top level or in tables with a header.
///
/// Every such document is read as the specification says; what lies beyond, inline tables and arrays of tables, is an
/// error here as no setting of ours is one. What is thrown is ``TOMLError``, and ``line`` is then where.
struct TOMLReader {
    /// The line being read, from 1.
    private(set) var line = 1
    private let bytes: [UInt8]
    private var position = 0

    init(_ document: [UInt8]) {
        bytes = document
    }

    /// The byte at the position, or a distance behind it; nil beyond the end.
    func peek(_ distance: Int = 0) -> UInt8? {
        bytes.indices.contains(position + distance) ? bytes[position + distance] : nil
    }

    /// Takes `count` bytes and counts their lines.
    mutating func advance(_ count: Int = 1) {
        for _ in 0..<count where position < bytes.count {
            if bytes[position] == newline { line += 1 }
            position += 1
        }
    }

    /// Takes `text` when it is next.
    mutating func take(_ text: StaticString) -> Bool {
        let found = text.withUTF8Buffer { bytes[position...].starts(with: $0) }
        if found { advance(text.utf8CodeUnitCount) }
        return found
    }

    /// Takes bytes as long as they satisfy `condition`.
    mutating func takeWhile(_ condition: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        let start = position
        while let byte = peek(), condition(byte) { advance() }
        return bytes[start..<position]
    }

    /// Every setting in its order.
    mutating func document(tables: Bool) throws -> [TOMLEntry] {
        guard String(validating: bytes, as: UTF8.self) != nil else { throw TOMLError("not UTF-8 text") }
        if take("\u{feff}") { position = 3 }
        var entries: [TOMLEntry] = []
        var table: [String] = []
        try skipBlankLines()
        while let byte = peek() {
            let isHeader = byte == UInt8(ascii: "[")
            guard tables || !isHeader else { throw TOMLError("a table: settings stand at the top level only") }
            let entry = try isHeader ? header() : setting(in: table)
            if isHeader { table = entry.path }
            guard !entries.contains(where: { $0.path == entry.path }) else {
                line = entry.line
                throw TOMLError("\(entry.key): stands here a second time")
            }
            entries.append(entry)
            try endOfLine()
            try skipBlankLines()
        }
        return entries
    }

    /// The header of a table: its key in brackets.
    private mutating func header() throws -> TOMLEntry {
        let start = line
        advance()
        if peek() == UInt8(ascii: "[") { throw TOMLError("an array of tables: no setting is one") }
        let path = try key()
        guard take("]") else { throw TOMLError("a table wants ] behind its name: \(rest().quoted)") }
        return TOMLEntry(path: path, kind: .table, value: "", line: start)
    }

    private mutating func setting(in table: [String]) throws -> TOMLEntry {
        let start = line
        let path = table + (try key())
        skipSpaces()
        guard take("=") else { throw TOMLError("\(path.joined(separator: ".")): a key wants = and a value behind it") }
        skipSpaces()
        var entry = try value(depth: 0)
        entry.path = path
        entry.line = start
        return entry
    }

    private mutating func key() throws -> [String] {
        var parts: [String] = []
        repeat {
            skipSpaces()
            if let quoted = try string(multiline: false) {
                parts.append(quoted)
            } else {
                let bare = takeWhile(isBareKey)
                guard !bare.isEmpty else { throw TOMLError("not a key: \(rest().quoted)") }
                parts.append(String(decoding: bare, as: UTF8.self))
            }
            skipSpaces()
        } while take(".")
        return parts
    }

    /// Takes what may stand behind a value.
    private mutating func endOfLine() throws {
        skipSpaces()
        try skipComment()
        guard peek() == nil || takeNewline() else {
            throw TOMLError("more behind the value: \(rest().quoted)")
        }
    }

    /// Takes empty lines, comments and the spaces that begin a line.
    mutating func skipBlankLines() throws {
        repeat {
            skipSpaces()
            try skipComment()
        } while takeNewline()
    }

    private mutating func skipSpaces() {
        _ = takeWhile { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    }

    private mutating func skipComment() throws {
        guard peek() == UInt8(ascii: "#") else { return }
        let comment = takeWhile { $0 != newline && $0 != carriageReturn }
        guard !comment.contains(where: isControl) else { throw TOMLError("a control character in a comment") }
    }

    mutating func takeNewline() -> Bool {
        take("\n") || take("\r\n")
    }

    /// The rest of the line, for a message.
    func rest() -> String {
        String(decoding: bytes[position...].prefix { $0 != newline && $0 != carriageReturn }.prefix(40), as: UTF8.self)
    }
}

let newline = UInt8(ascii: "\n")
let carriageReturn = UInt8(ascii: "\r")

/// What TOML forbids in strings of one line and in comments; a tab it allows.
func isControl(_ byte: UInt8) -> Bool {
    (byte < 0x20 && byte != UInt8(ascii: "\t")) || byte == 0x7f
}

func isBareKey(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
    default: false
    }
}
