/// The parts of a YAML line.
enum YAMLScalar {
    typealias Malformed = YAMLSubset.Malformed

    /// The line without its comment and trailing blanks.
    static func uncommented(_ line: Substring, _ number: Int) throws -> Substring {
        var quote: Character?
        var previous: Character = " "
        var end = line.endIndex
        var index = line.startIndex
        while index < line.endIndex {
            let character = line[index]
            if let open = quote {
                if open == "\"" && character == "\\" && line.index(after: index) < line.endIndex {
                    index = line.index(after: index)
                } else if character == open {
                    // A doubled single quote stands for one and closes nothing.
                    let next = line.index(after: index)
                    if open == "'" && next < line.endIndex && line[next] == "'" { index = next } else { quote = nil }
                }
            } else if character == "#" && (previous == " " || previous == "\t") {
                end = index
                break
            } else if (character == "\"" || character == "'") && " [{,:\t".contains(previous) {
                quote = character
            }
            previous = line[index]
            index = line.index(after: index)
        }
        guard quote == nil else { throw Malformed(line: number, reason: "a quoted text over several lines") }
        var content = line[..<end]
        while let last = content.last, last == " " || last == "\t" { content.removeLast() }
        return content
    }

    /// Where the colon after a mapping's key is; nil when the text is no `key: value`.
    static func keyEnd(_ text: Substring, _ number: Int) throws -> Substring.Index? {
        if text.first == "[" || text.first == "{" { return nil }
        var start = text.startIndex
        if let quote = text.first, quote == "\"" || quote == "'" {
            start = try quotedEnd(text, number)
            return start < text.endIndex && text[start] == ":" ? start : nil
        }
        while let colon = text[start...].firstIndex(of: ":") {
            let after = text.index(after: colon)
            if after == text.endIndex || text[after] == " " { return colon }
            start = after
        }
        return nil
    }

    /// A whole scalar or flow node. Throws `Malformed`.
    static func parse(_ text: Substring, _ number: Int) throws -> YAMLSubset.Node {
        var rest = text
        let node = try flow(&rest, number, stops: "", depth: 0)
        guard rest.allSatisfy({ $0 == " " }) else { throw Malformed(line: number, reason: "unexpected \(rest)") }
        return node
    }

    private static func flow(
        _ rest: inout Substring, _ number: Int, stops: String, depth: Int
    ) throws -> YAMLSubset.Node {
        rest = rest.drop { $0 == " " }
        guard depth < 16, let first = rest.first else { throw Malformed(line: number, reason: "a value is missing") }
        switch first {
        case "[", "{": return try collection(&rest, number, depth: depth)
        case "\"", "'":
            let end = try quotedEnd(rest, number)
            defer { rest = rest[end...] }
            return .scalar(try unquoted(rest[..<end], number))
        case "&", "*", "!", "|", ">", "%", "@", "`", "?":
            throw Malformed(line: number, reason: "\(first) is not supported")
        default:
            let plain = rest.prefix { !stops.contains($0) }
            rest = rest[plain.endIndex...]
            var word = plain
            while word.last == " " { word.removeLast() }
            return ["", "~", "null", "Null", "NULL"].contains(word) ? .null : .scalar(String(word))
        }
    }

    private static func collection(
        _ rest: inout Substring, _ number: Int, depth: Int
    ) throws -> YAMLSubset.Node {
        let isMapping = rest.removeFirst() == "{"
        let close: Character = isMapping ? "}" : "]"
        var items: [YAMLSubset.Node] = []
        var entries: [(key: String, value: YAMLSubset.Node)] = []
        while true {
            rest = rest.drop { $0 == " " }
            if rest.first == close { break }
            let item = try flow(&rest, number, stops: isMapping ? ":,}" : ",]", depth: depth + 1)
            if isMapping {
                rest = rest.drop { $0 == " " }
                guard case .scalar(let key) = item, rest.popFirst() == ":", !entries.contains(where: { $0.key == key })
                else { throw Malformed(line: number, reason: "not a flow mapping") }
                entries.append((key, try flow(&rest, number, stops: ",}", depth: depth + 1)))
            } else {
                items.append(item)
            }
            rest = rest.drop { $0 == " " }
            if rest.first == close { break }
            guard rest.popFirst() == "," else { throw Malformed(line: number, reason: "a comma is missing") }
        }
        rest.removeFirst()
        return isMapping ? .mapping(entries) : .sequence(items)
    }

    /// The index after the closing quote.
    private static func quotedEnd(_ text: Substring, _ number: Int) throws -> Substring.Index {
        let quote = text[text.startIndex]
        var index = text.index(after: text.startIndex)
        while index < text.endIndex {
            let next = text.index(after: index)
            if text[index] == quote {
                // Two single quotes inside stand for one.
                if quote == "'" && next < text.endIndex && text[next] == "'" {
                    index = text.index(after: next)
                    continue
                }
                return next
            }
            index = text[index] == "\\" && quote == "\"" && next < text.endIndex ? text.index(after: next) : next
        }
        throw Malformed(line: number, reason: "a quote is not closed")
    }

    private static func unquoted(_ text: Substring, _ number: Int) throws -> String {
        var inner = text.dropFirst().dropLast()
        var result = ""
        let isDouble = text.first == "\""
        while let character = inner.popFirst() {
            if !isDouble {
                if character == "'" { inner = inner.dropFirst() }
                result.append(character)
            } else if character == "\\" {
                result.unicodeScalars.append(try escape(&inner, number))
            } else {
                result.append(character)
            }
        }
        return result
    }

    private static func escape(_ rest: inout Substring, _ number: Int) throws -> Unicode.Scalar {
        let simple: [Character: Unicode.Scalar] = [
            "n": "\n", "t": "\t", "r": "\r", "\"": "\"", "\\": "\\", "/": "/", "0": "\0", " ": " ", "e": "\u{1b}",
        ]
        let widths: [Character: Int] = ["x": 2, "u": 4, "U": 8]
        guard let kind = rest.popFirst() else { throw Malformed(line: number, reason: "bad escape") }
        if let scalar = simple[kind] { return scalar }
        let digits = rest.prefix(widths[kind] ?? 0)
        guard digits.count == widths[kind], digits.allSatisfy(\.isHexDigit), let value = UInt32(digits, radix: 16),
            let scalar = Unicode.Scalar(value)
        else { throw Malformed(line: number, reason: "bad escape") }
        rest = rest.dropFirst(digits.count)
        return scalar
    }
}
