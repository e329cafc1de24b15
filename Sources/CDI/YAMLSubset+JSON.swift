extension YAMLSubset {
    /// The keys of a CDI specification whose values are numbers; all other scalars are text there, so that
    /// a device named 0 needs no quotes.
    private static let numeric: Set = [
        "major", "minor", "uid", "gid", "fileMode", "timeout", "additionalGids",
    ]

    /// A CDI specification in YAML as JSON. Throws ``Malformed``.
    static func json(_ text: String) throws -> [UInt8] {
        var output: [UInt8] = []
        write(try parse(text), isNumeric: false, to: &output)
        return output
    }

    private static func write(_ node: Node, isNumeric: Bool, to output: inout [UInt8]) {
        switch node {
        case .null: output += "null".utf8
        case .scalar(let text):
            if isNumeric, let number = integer(text) { output += "\(number)".utf8 } else { write(text, to: &output) }
        case .sequence(let items):
            output.append(UInt8(ascii: "["))
            for (index, item) in items.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                write(item, isNumeric: isNumeric, to: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .mapping(let entries):
            output.append(UInt8(ascii: "{"))
            for (index, entry) in entries.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                write(entry.key, to: &output)
                output.append(UInt8(ascii: ":"))
                write(entry.value, isNumeric: numeric.contains(entry.key), to: &output)
            }
            output.append(UInt8(ascii: "}"))
        }
    }

    private static func write(_ text: String, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): output += [UInt8(ascii: "\\"), byte]
            case 0..<0x20:
                let digits = String(byte, radix: 16)
                output += "\\u\(digits.count == 1 ? "000" : "00")\(digits)".utf8
            default: output.append(byte)
            }
        }
        output.append(UInt8(ascii: "\""))
    }

    /// YAML 1.1 integers: decimal, 0x, 0o, and octal by a leading zero, as in `fileMode: 0666`.
    private static func integer(_ text: String) -> Int64? {
        if text.hasPrefix("0x") { return Int64(text.dropFirst(2), radix: 16) }
        if text.hasPrefix("0o") { return Int64(text.dropFirst(2), radix: 8) }
        if text.hasPrefix("0") && text.count > 1 { return Int64(text.dropFirst(), radix: 8) }
        return Int64(text)
    }
}
