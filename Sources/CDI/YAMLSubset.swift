/// The part of YAML that CDI tools write, turned into JSON.
///
/// Block mappings and sequences, flow ones within a line, plain and quoted scalars, comments, one document.
/// Anchors, tags, block scalars and complex keys are refused rather than guessed at.
struct YAMLSubset {
    /// Where and why the text cannot be read.
    struct Malformed: Error, CustomStringConvertible {
        var line: Int
        var reason: String

        var description: String { "line \(line): \(reason)" }
    }

    indirect enum Node: Equatable {
        case null
        case scalar(String)
        case sequence([Node])
        case mapping([(key: String, value: Node)])

        static func == (left: Node, right: Node) -> Bool {
            switch (left, right) {
            case (.null, .null): true
            case (.scalar(let a), .scalar(let b)): a == b
            case (.sequence(let a), .sequence(let b)): a == b
            case (.mapping(let a), .mapping(let b)):
                a.map(\.key) == b.map(\.key) && a.map(\.value) == b.map(\.value)
            default: false
            }
        }
    }

    private struct Line {
        var number: Int
        var indent: Int
        var text: Substring

        var isItem: Bool { text == "-" || text.hasPrefix("- ") }
    }

    private static let deepest = 32
    private var lines: [Line] = []
    private var index = 0

    /// The document's tree. Throws ``Malformed``.
    static func parse(_ text: String) throws -> Node {
        var parser = YAMLSubset()
        try parser.split(text)
        guard let first = parser.lines.first else { return .null }
        let node = try parser.node(indent: first.indent, depth: 0)
        if let rest = parser.current { throw Malformed(line: rest.number, reason: "unexpected text or indentation") }
        return node
    }

    private var current: Line? { index < lines.count ? lines[index] : nil }

    private mutating func split(_ text: String) throws {
        // CR and LF together would be one Character.
        let text = String(String.UnicodeScalarView(text.unicodeScalars.filter { $0 != "\r" }))
        for (offset, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let number = offset + 1
            let content = try YAMLScalar.uncommented(line, number)
            if content.isEmpty { continue }
            if content == "---" && lines.isEmpty { continue }
            if content == "..." { return }
            guard content != "---", !content.hasPrefix("--- "), !content.hasPrefix("%") else {
                throw Malformed(line: number, reason: "several documents or directives")
            }
            let indent = content.prefix { $0 == " " }.count
            guard content.dropFirst(indent).first != "\t" else {
                throw Malformed(line: number, reason: "a tab in the indentation")
            }
            lines.append(Line(number: number, indent: indent, text: content.dropFirst(indent)))
        }
    }

    private mutating func node(indent: Int, depth: Int) throws -> Node {
        guard let line = current else { return .null }
        guard depth < Self.deepest else { throw Malformed(line: line.number, reason: "nested too deeply") }
        if line.isItem { return try sequence(indent: indent, depth: depth) }
        if try YAMLScalar.keyEnd(line.text, line.number) != nil { return try mapping(indent: indent, depth: depth) }
        index += 1
        return try scalar(line.text, line, outer: indent - 1)
    }

    private mutating func sequence(indent: Int, depth: Int) throws -> Node {
        var items: [Node] = []
        while let line = current, line.indent == indent, line.isItem {
            let rest = line.text.dropFirst().drop { $0 == " " }
            if rest.isEmpty {
                index += 1
                items.append(try nested(in: indent, depth: depth))
            } else {
                // What follows the dash is a node of its own, indented as far as it stands.
                let inner = indent + line.text.count - rest.count
                lines[index] = Line(number: line.number, indent: inner, text: rest)
                items.append(try node(indent: inner, depth: depth + 1))
            }
        }
        return .sequence(items)
    }

    private mutating func mapping(indent: Int, depth: Int) throws -> Node {
        var entries: [(key: String, value: Node)] = []
        while let line = current, line.indent == indent, !line.isItem {
            guard let end = try YAMLScalar.keyEnd(line.text, line.number) else { break }
            guard case .scalar(let key) = try YAMLScalar.parse(line.text[..<end], line.number) else {
                throw Malformed(line: line.number, reason: "not a plain key")
            }
            guard !entries.contains(where: { $0.key == key }) else {
                throw Malformed(line: line.number, reason: "\(key) is given twice")
            }
            let rest = line.text[end...].dropFirst().drop { $0 == " " }
            index += 1
            if !rest.isEmpty {
                entries.append((key, try scalar(rest, line, outer: indent)))
            } else if let next = current, next.indent == indent, next.isItem {
                entries.append((key, try sequence(indent: indent, depth: depth + 1)))
            } else {
                entries.append((key, try nested(in: indent, depth: depth)))
            }
        }
        return .mapping(entries)
    }

    /// The node on the lines further in than `indent`, if there are any.
    private mutating func nested(in indent: Int, depth: Int) throws -> Node {
        guard let next = current, next.indent > indent else { return .null }
        return try node(indent: next.indent, depth: depth + 1)
    }

    /// A scalar or flow node, with the further lines of a plain one.
    private mutating func scalar(_ text: Substring, _ line: Line, outer: Int) throws -> Node {
        let node = try YAMLScalar.parse(text, line.number)
        guard case .scalar(var words) = node, let first = text.first, first != "\"" && first != "'" else { return node }
        while let next = current, next.indent > outer {
            guard try !next.isItem && YAMLScalar.keyEnd(next.text, next.number) == nil else { break }
            words += " " + next.text
            index += 1
        }
        return .scalar(words)
    }
}
