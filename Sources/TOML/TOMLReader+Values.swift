extension TOMLReader {
    /// A value; the entry's key and line are the caller's to fill in.
    mutating func value(depth: Int) throws -> TOMLEntry {
        if let text = try string(multiline: true) { return TOMLEntry(path: [], kind: .string, value: text, line: 0) }
        if peek() == UInt8(ascii: "[") { return try array(depth: depth) }
        if peek() == UInt8(ascii: "{") { throw TOMLError("a table: no setting is one") }
        let token = takeWhile {
            isBareKey($0) || $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ":")
        }
        return try bare(String(decoding: token, as: UTF8.self))
    }

    /// A boolean, a number or a date.
    private func bare(_ token: String) throws -> TOMLEntry {
        if token == "true" || token == "false" { return TOMLEntry(path: [], kind: .boolean, value: token, line: 0) }
        if let number = integer(token) { return TOMLEntry(path: [], kind: .integer, value: String(number), line: 0) }
        let unsigned = token.drop { $0 == "+" || $0 == "-" }
        guard unsigned.first?.isNumber == true || unsigned == "inf" || unsigned == "nan" else {
            let found = token.isEmpty ? rest() : token
            throw TOMLError(
                found.isEmpty ? "a value is missing" : "\(found.quoted) is no value; a string wants quotes")
        }
        // A float or a date: no setting takes one, so that it is not looked at closely.
        return TOMLEntry(path: [], kind: .other, value: "", line: 0)
    }

    private mutating func array(depth: Int) throws -> TOMLEntry {
        guard depth < 16 else { throw TOMLError("arrays within arrays too deep") }
        var entry = TOMLEntry(path: [], kind: .array, value: "", line: 0)
        advance()
        try skipBlankLines()
        while !take("]") {
            let element = try value(depth: depth + 1)
            let kind = element.kind == .array ? .other : element.kind
            entry.elements.append(TOMLEntry.Element(kind: kind, value: element.value, elements: element.elements))
            try skipBlankLines()
            if take(",") {
                try skipBlankLines()
            } else if peek() != UInt8(ascii: "]") {
                throw TOMLError(peek() == nil ? "an array does not end" : "an array wants , or ]: \(rest().quoted)")
            }
        }
        return entry
    }

    /// A string of any of the four kinds, or of the two of one line; nil when something else is next.
    mutating func string(multiline: Bool) throws -> String? {
        if multiline && take("\"\"\"") { return try string(endsWith: "\"", long: true, escapes: true) }
        if multiline && take("'''") { return try string(endsWith: "'", long: true, escapes: false) }
        if take("\"") { return try string(endsWith: "\"", long: false, escapes: true) }
        if take("'") { return try string(endsWith: "'", long: false, escapes: false) }
        return nil
    }

    private mutating func string(endsWith quote: Unicode.Scalar, long: Bool, escapes: Bool) throws -> String {
        let quote = UInt8(ascii: quote)
        var text: [UInt8] = []
        if long { _ = takeNewline() }
        while let byte = peek() {
            if byte == quote {
                let run = quotes(quote)
                if !long || run >= 3 {
                    // Up to two quotes may stand before the three that close.
                    let kept = long ? min(run - 3, 2) : 0
                    text += [UInt8](repeating: quote, count: kept)
                    advance(long ? kept + 3 : 1)
                    return String(decoding: text, as: UTF8.self)
                }
            }
            if escapes && byte == UInt8(ascii: "\\") {
                text += try escape(long: long)
            } else if long && (byte == newline || byte == carriageReturn) {
                guard takeNewline() else { throw TOMLError("a control character in a string") }
                text.append(newline)
            } else {
                guard !isControl(byte) else {
                    throw TOMLError(
                        byte == newline ? "a string does not end on its line" : "a control character in a string")
                }
                text.append(byte)
                advance()
            }
        }
        throw TOMLError("a string does not end")
    }

    private func quotes(_ quote: UInt8) -> Int {
        var count = 0
        while peek(count) == quote { count += 1 }
        return count
    }

    /// The bytes that a backslash and what follows it stand for.
    private mutating func escape(long: Bool) throws -> [UInt8] {
        advance()
        let simple: [UInt8: UInt8] = [
            UInt8(ascii: "b"): 8, UInt8(ascii: "t"): 9, UInt8(ascii: "n"): 10, UInt8(ascii: "f"): 12,
            UInt8(ascii: "r"): 13, UInt8(ascii: "\""): UInt8(ascii: "\""), UInt8(ascii: "\\"): UInt8(ascii: "\\"),
        ]
        let byte = peek() ?? 0
        if let replacement = simple[byte] {
            advance()
            return [replacement]
        }
        if byte == UInt8(ascii: "u") { return try scalar(digits: 4) }
        if byte == UInt8(ascii: "U") { return try scalar(digits: 8) }
        if long {
            // A backslash that ends its line takes away all white space up to the next text.
            let blanks = takeWhile { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            if takeNewline() {
                _ = takeWhile {
                    $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == newline || $0 == carriageReturn
                }
                return []
            }
            if !blanks.isEmpty { throw TOMLError("a backslash before a space") }
        }
        throw TOMLError("an escape that is none in a string: \\\(rest().prefix(1))")
    }

    private mutating func scalar(digits: Int) throws -> [UInt8] {
        advance()
        let text = String(decoding: (0..<digits).compactMap { peek($0) }, as: UTF8.self)
        guard text.utf8.count == digits, text.allSatisfy(\.isHexDigit), let value = UInt32(text, radix: 16),
            let scalar = Unicode.Scalar(value)
        else { throw TOMLError("an escape that is no character: \\\(digits == 4 ? "u" : "U")\(text.printable)") }
        advance(digits)
        return Array(String(scalar).utf8)
    }
}

/// A TOML integer: signs, underscores between digits, and the prefixes of other bases; nil when it is none.
private func integer(_ token: String) -> Int? {
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if token.hasPrefix(prefix) { return number(String(token.dropFirst(prefix.count)), radix) }
    }
    let unsigned = token.hasPrefix("+") || token.hasPrefix("-") ? token.dropFirst() : token[...]
    guard unsigned == "0" || !unsigned.hasPrefix("0") else { return nil }
    return number((token.hasPrefix("-") ? "-" : "") + unsigned, 10)
}

private func number(_ text: String, _ radix: Int) -> Int? {
    let groups = text.split(separator: "_", omittingEmptySubsequences: false)
    guard groups.allSatisfy({ !$0.isEmpty && $0 != "-" && !$0.hasPrefix("+") }) else { return nil }
    return Int(groups.joined(), radix: radix)
}
