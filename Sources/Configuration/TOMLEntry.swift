/// One setting of a TOML document with its value still as text.
struct TOMLEntry: Equatable {
    /// The key; a dotted one with its dots.
    var key: String
    /// How the value is written.
    var kind: TOMLKind
    /// The value; an integer in decimal; empty for an array or what no setting takes.
    var value: String
    /// Where the key stands, from 1.
    var line: Int
    /// An array's elements.
    var elements: [Element] = []

    /// An element of an array.
    struct Element: Equatable {
        var kind: TOMLKind
        var value: String
    }

    /// Every setting of the document in its order; throws ``ConfigurationError`` with the line that is wrong.
    static func parse(_ document: [UInt8], path: String) throws -> [TOMLEntry] {
        var reader = TOMLReader(document)
        do {
            return try reader.document()
        } catch let error as InvalidValue {
            throw ConfigurationError(.file(path, line: reader.line), "", error.reason)
        }
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
