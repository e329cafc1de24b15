internal import CTOMLPlusPlus

/// One key of a TOML document with its value still as text.
struct TOMLEntry {
    /// The dotted key.
    var key: String
    /// How the value is written.
    var kind: TOMLKind
    /// The value; empty for an array.
    var value: String
    /// Where the key stands, from 1.
    var line: Int
    /// An array's elements.
    var elements: [(kind: TOMLKind, value: String)] = []

    /// Every entry of the document in its order; throws ``ConfigurationError`` with the line that is not TOML.
    static func parse(_ document: [UInt8], path: String) throws -> [TOMLEntry] {
        var entries: [TOMLEntry] = []
        var message = [CChar](repeating: 0, count: 512)
        var line: UInt32 = 0
        var column: UInt32 = 0
        let status = withUnsafeMutablePointer(to: &entries) { entries in
            document.withUnsafeBytes { bytes in
                fender_toml_parse(
                    bytes.baseAddress, bytes.count, collect, entries, &message, message.count, &line, &column)
            }
        }
        guard status == 0 else {
            let text = String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            throw ConfigurationError(.file(path, line: Int(line)), "", "column \(column): \(text)")
        }
        return entries.sorted { $0.line < $1.line }
    }

    /// The value as a flag would be given it; throws ``ConfigurationError`` when the option is not written so.
    func text(for option: ConfigurationOption, _ origin: Origin) throws -> String {
        guard option.kinds.contains(kind) else {
            throw ConfigurationError(origin, key, "is not \(option.wanted)")
        }
        guard kind == .array else { return value }
        guard elements.allSatisfy({ $0.kind == .string && !$0.value.contains(",") }) else {
            throw ConfigurationError(origin, key, "an element is not a string without a comma")
        }
        return elements.map(\.value).joined(separator: ",")
    }
}

extension ConfigurationOption {
    /// How a file writes the value, for a message.
    var wanted: String {
        kinds.map { kind in
            switch kind {
            case .string: "a string in quotes"
            case .integer: "a whole number"
            case .boolean: "true or false"
            case .array: "an array of strings"
            case .other: "anything"
            }
        }.joined(separator: " or ")
    }
}

/// Called by the parser for each value; `context` is the array that ``TOMLEntry/parse(_:path:)`` holds meanwhile.
private func collect(
    _ context: UnsafeMutableRawPointer?, _ key: UnsafePointer<CChar>?, _ keyLength: Int, _ kind: CInt, _ element: CInt,
    _ text: UnsafePointer<CChar>?, _ textLength: Int, _ line: UInt32, _ column: UInt32
) {
    guard let entries = context?.assumingMemoryBound(to: [TOMLEntry].self) else { return }
    let value = string(text, textLength)
    let kind: TOMLKind =
        switch UInt32(bitPattern: kind) {
        case FENDER_TOML_STRING.rawValue: .string
        case FENDER_TOML_INTEGER.rawValue: .integer
        case FENDER_TOML_BOOLEAN.rawValue: .boolean
        case FENDER_TOML_ARRAY.rawValue: .array
        default: .other
        }
    if element != 0, let last = entries.pointee.indices.last {
        entries.pointee[last].elements.append((kind, value))
    } else {
        entries.pointee.append(TOMLEntry(key: string(key, keyLength), kind: kind, value: value, line: Int(line)))
    }
}

private func string(_ start: UnsafePointer<CChar>?, _ count: Int) -> String {
    String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
}
