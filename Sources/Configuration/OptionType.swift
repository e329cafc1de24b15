internal import TOML

/// A value that an option cannot take, and why; the loader adds which option and where it stood.
struct InvalidValue: Error {
    var reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}

/// How a kind of value is written: what stands for it in help, how text becomes it and back.
struct OptionType<Value: Sendable>: Sendable {
    /// What help shows in the value's place.
    var placeholder: String
    /// How a file may write it. Flags and environment always write text.
    var kinds: [TOMLKind] = [.string]
    /// Throws ``InvalidValue``.
    var parse: @Sendable (String) throws -> Value
    /// The text that parses to the value.
    var show: @Sendable (Value) -> String
}

extension OptionType where Value == String {
    /// Any text.
    static let text = OptionType(placeholder: "NAME", parse: { $0 }, show: { $0 })

    /// An image reference, or nothing.
    static let image = OptionType(
        placeholder: "IMAGE",
        parse: { text in
            guard text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else {
                throw InvalidValue("an image reference holds no spaces")
            }
            return text
        }, show: { $0 })

    /// An absolute path.
    static let path = OptionType(placeholder: "PATH", parse: absolute, show: { $0 })

    /// An absolute path, or nothing.
    static let optionalPath = OptionType(
        placeholder: "PATH", parse: { $0.isEmpty ? $0 : try absolute($0) }, show: { $0 })
}

extension OptionType where Value == [String] {
    /// Absolute paths with commas between them; in a file also an array.
    static let paths = OptionType(
        placeholder: "PATH,...", kinds: [.string, .array],
        parse: { try commaSeparated($0).map(absolute) }, show: { $0.joined(separator: ",") })

    /// Address ranges with commas between them; in a file also an array.
    static let ranges = OptionType(
        placeholder: "CIDR,...", kinds: [.string, .array],
        parse: { try commaSeparated($0).map(addressRange) }, show: { $0.joined(separator: ",") })
}

extension OptionType where Value == Bool {
    /// The spellings Go's flags take; a flag alone is true.
    static let boolean = OptionType(
        placeholder: "", kinds: [.boolean],
        parse: { text in
            switch text {
            case "1", "t", "T", "true", "TRUE", "True": true
            case "0", "f", "F", "false", "FALSE", "False": false
            default: throw InvalidValue("neither true nor false")
            }
        }, show: { $0 ? "true" : "false" })
}

extension OptionType where Value == Int {
    /// A decimal number within `range`.
    static func number(_ range: ClosedRange<Int>) -> OptionType {
        OptionType(
            placeholder: "NUMBER", kinds: [.integer],
            parse: { text in
                guard let value = Int(text), range.contains(value) else {
                    throw InvalidValue("not a number from \(range.lowerBound) to \(range.upperBound)")
                }
                return value
            }, show: { String($0) })
    }
}

extension OptionType where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    /// One of an enumeration's raw values.
    static var choice: OptionType {
        let names = Value.allCases.map(\.rawValue)
        return OptionType(
            placeholder: names.joined(separator: "|"),
            parse: { text in
                guard let value = Value(rawValue: text) else {
                    throw InvalidValue("not one of \(names.joined(separator: ", "))")
                }
                return value
            }, show: { $0.rawValue })
    }
}

@Sendable func absolute(_ text: String) throws -> String {
    guard text.hasPrefix("/") else { throw InvalidValue("not an absolute path") }
    guard !text.utf8.contains(0) else { throw InvalidValue("a path holds no NUL") }
    return text
}

/// The parts between commas without the spaces around them; empty parts fall away.
func commaSeparated(_ text: String) -> [String] {
    text.split(separator: ",").compactMap { part in
        let trimmed = part.drop { $0 == " " }
        let end = trimmed.lastIndex { $0 != " " }.map(trimmed.index(after:)) ?? trimmed.startIndex
        return end == trimmed.startIndex ? nil : String(trimmed[..<end])
    }
}
