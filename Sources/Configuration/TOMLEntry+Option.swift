internal import TOML

extension TOMLEntry {
    /// Every setting of the document in its order; throws ``ConfigurationError`` with the line that is wrong.
    static func parse(_ document: [UInt8], path: String) throws -> [TOMLEntry] {
        do {
            return try read(document)
        } catch let error as TOMLError {
            throw ConfigurationError(.file(path, line: error.line), "", error.reason)
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
            case .other, .table: "anything"
            }
        }.joined(separator: " or ")
    }
}
