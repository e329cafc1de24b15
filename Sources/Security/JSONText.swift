/// JSON as text (RFC 8259): checked and stripped of white space without decoding, so that no number loses
/// a digit and no key its order.
enum JSONText {
    /// Where the text stops being JSON.
    struct Malformed: Error, Equatable {
        var offset: Int
    }

    /// The bytes of one JSON object without insignificant white space. Throws ``Malformed``.
    static func compactObject(_ bytes: [UInt8]) throws -> String {
        var scanner = Scanner(bytes: bytes)
        scanner.skipSpace()
        guard scanner.peek == UInt8(ascii: "{") else { throw Malformed(offset: scanner.position) }
        try scanner.value(depth: 0)
        scanner.skipSpace()
        guard scanner.peek == nil else { throw Malformed(offset: scanner.position) }
        guard let text = String(validating: scanner.output, as: UTF8.self) else { throw Malformed(offset: 0) }
        return text
    }

    private struct Scanner {
        let bytes: [UInt8]
        var position = 0
        var output: [UInt8] = []

        init(bytes: [UInt8]) {
            self.bytes = bytes
            output.reserveCapacity(bytes.count)
        }

        var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

        mutating func skipSpace() {
            while let byte = peek, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d { position += 1 }
        }

        mutating func take() throws -> UInt8 {
            guard let byte = peek else { throw Malformed(offset: position) }
            position += 1
            output.append(byte)
            return byte
        }

        mutating func take(_ character: Unicode.Scalar) throws {
            guard peek == UInt8(ascii: character) else { throw Malformed(offset: position) }
            _ = try take()
        }

        mutating func value(depth: Int) throws {
            guard depth < 64 else { throw Malformed(offset: position) }
            skipSpace()
            switch peek {
            case UInt8(ascii: "{"): try sequence("{", "}") { try $0.member(depth: depth) }
            case UInt8(ascii: "["): try sequence("[", "]") { try $0.value(depth: depth + 1) }
            case UInt8(ascii: "\""): try string()
            case UInt8(ascii: "t"): try word("true")
            case UInt8(ascii: "f"): try word("false")
            case UInt8(ascii: "n"): try word("null")
            default: try number()
            }
        }

        private mutating func member(depth: Int) throws {
            skipSpace()
            try string()
            skipSpace()
            try take(":")
            try value(depth: depth + 1)
        }

        private mutating func sequence(
            _ open: Unicode.Scalar, _ close: Unicode.Scalar, _ element: (inout Scanner) throws -> Void
        ) throws {
            try take(open)
            skipSpace()
            if peek == UInt8(ascii: close) { return try take(close) }
            while true {
                try element(&self)
                skipSpace()
                if peek == UInt8(ascii: close) { return try take(close) }
                try take(",")
            }
        }

        private mutating func string() throws {
            try take("\"")
            while true {
                let byte = try take()
                switch byte {
                case UInt8(ascii: "\""): return
                case UInt8(ascii: "\\"): try escape()
                case 0..<0x20: throw Malformed(offset: position - 1)
                default: break
                }
            }
        }

        private mutating func escape() throws {
            switch try take() {
            case UInt8(ascii: "u"):
                for _ in 0..<4 where !Self.isHexadecimal(try take()) { throw Malformed(offset: position - 1) }
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
                UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
                break
            default: throw Malformed(offset: position - 1)
            }
        }

        private mutating func word(_ word: String) throws {
            for scalar in word.unicodeScalars { try take(scalar) }
        }

        private mutating func number() throws {
            if peek == UInt8(ascii: "-") { _ = try take() }
            if peek == UInt8(ascii: "0") { _ = try take() } else { try digits() }
            if peek == UInt8(ascii: ".") {
                _ = try take()
                try digits()
            }
            if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
                _ = try take()
                if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { _ = try take() }
                try digits()
            }
        }

        private mutating func digits() throws {
            let start = position
            while let byte = peek, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { _ = try take() }
            if position == start { throw Malformed(offset: position) }
        }

        private static func isHexadecimal(_ byte: UInt8) -> Bool {
            Character(Unicode.Scalar(byte)).isHexDigit && byte < 0x80
        }
    }
}
