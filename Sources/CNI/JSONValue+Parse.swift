extension JSONValue {
    /// Reads one JSON document (RFC 8259); nesting deeper than 128 is refused.
    init(parsing bytes: [UInt8]) throws {
        var reader = JSONReader(bytes)
        self = try reader.document()
    }
}

private struct JSONReader {
    private let bytes: [UInt8]
    private var position = 0
    private static let maximumDepth = 128

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws -> JSONValue {
        let value = try value(depth: 0)
        skipSpace()
        guard position == bytes.count else { throw error("more after the end") }
        return value
    }

    private func error(_ reason: String) -> JSONError { JSONError(offset: position, reason: reason) }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
    }

    /// Steps over `byte` when it comes next.
    private mutating func take(_ byte: Unicode.Scalar) -> Bool {
        skipSpace()
        guard next == UInt8(ascii: byte) else { return false }
        position += 1
        return true
    }

    private mutating func value(depth: Int) throws -> JSONValue {
        guard depth < Self.maximumDepth else { throw error("nested too deep") }
        if take("{") { return try object(depth) }
        if take("[") { return try array(depth) }
        if take("\"") { return .string(try string()) }
        switch next {
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case nil: throw error("unexpected end")
        default: return .number(try number())
        }
    }

    private mutating func word(_ text: StaticString, _ value: JSONValue) throws -> JSONValue {
        let wanted = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        guard bytes[position...].starts(with: wanted) else { throw error("unknown word") }
        position += wanted.count
        return value
    }

    private mutating func object(_ depth: Int) throws -> JSONValue {
        var members: [JSONValue.Member] = []
        if take("}") { return .object([]) }
        repeat {
            guard take("\"") else { throw error("expected a key") }
            let key = try string()
            guard take(":") else { throw error("expected ':'") }
            members.append(JSONValue.Member(key: key, value: try value(depth: depth + 1)))
        } while take(",")
        guard take("}") else { throw error("expected ',' or '}'") }
        return .object(members)
    }

    private mutating func array(_ depth: Int) throws -> JSONValue {
        var values: [JSONValue] = []
        if take("]") { return .array([]) }
        repeat { values.append(try value(depth: depth + 1)) } while take(",")
        guard take("]") else { throw error("expected ',' or ']'") }
        return .array(values)
    }

    private mutating func number() throws -> String {
        let start = position
        if next == UInt8(ascii: "-") { position += 1 }
        let leading = next
        let whole = digits()
        guard whole > 0, whole == 1 || leading != UInt8(ascii: "0") else { throw error("unexpected character") }
        if next == UInt8(ascii: ".") {
            position += 1
            guard digits() > 0 else { throw error("expected a digit") }
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            position += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
            guard digits() > 0 else { throw error("expected a digit") }
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func digits() -> Int {
        let start = position
        while let byte = next, UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte { position += 1 }
        return position - start
    }

    /// A string whose opening quote is behind us. Bytes that are no UTF-8 become U+FFFD, as Go reads them.
    private mutating func string() throws -> String {
        var text: [UInt8] = []
        while let byte = next {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(into: &text)
            case ..<0x20: throw error("control character in a string")
            default: text.append(byte)
            }
        }
        throw error("string without end")
    }

    private mutating func escape(into text: inout [UInt8]) throws {
        guard let byte = next else { throw error("string without end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0c)
        case UInt8(ascii: "n"): text.append(0x0a)
        case UInt8(ascii: "r"): text.append(0x0d)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text.append(contentsOf: try scalar().utf8)
        default: throw error("unknown escape")
        }
    }

    /// The scalar of `\uXXXX`, or of two that are a surrogate pair; a lone surrogate is U+FFFD.
    private mutating func scalar() throws -> Character {
        let first = try hexadecimal()
        guard 0xd800...0xdbff ~= first, bytes[position...].starts(with: "\\u".utf8) else {
            return Character(Unicode.Scalar(first) ?? "\u{fffd}")
        }
        let before = position
        position += 2
        let second = try hexadecimal()
        guard 0xdc00...0xdfff ~= second else {
            position = before
            return "\u{fffd}"
        }
        let code = 0x10000 + (first - 0xd800) << 10 + (second - 0xdc00)
        return Character(Unicode.Scalar(code) ?? "\u{fffd}")
    }

    private mutating func hexadecimal() throws -> UInt32 {
        guard position + 4 <= bytes.count else { throw error("string without end") }
        var code: UInt32 = 0
        for byte in bytes[position..<position + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw error("expected four hexadecimal digits")
            }
            code = code << 4 | UInt32(digit)
        }
        position += 4
        return code
    }
}
