/// How a TOML document writes a value.
public enum TOMLKind: Sendable {
    case string
    case integer
    case boolean
    case array
    /// A float, a date, or an array within an array.
    case other
    /// No value but the header of a table, which may have no settings.
    case table
}

/// One setting of a TOML document with its value still as text.
public struct TOMLEntry: Equatable, Sendable {
    /// The parts of the key, those of its table first.
    public var path: [String]
    /// How the value is written.
    public var kind: TOMLKind
    /// The value; an integer in decimal; empty for an array or what is of another kind.
    public var value: String
    /// Where the key stands, from 1.
    public var line: Int
    /// An array's elements.
    public var elements: [Element] = []

    /// The key, its parts with dots between.
    public var key: String { path.joined(separator: ".") }

    /// An element of an array.
    public struct Element: Equatable, Sendable {
        /// How it is written.
        public var kind: TOMLKind
        /// As ``TOMLEntry/value``.
        public var value: String
        /// The elements of an array within the array.
        public var elements: [Element] = []
    }

    /// Every setting of the document in its order, those in tables only when `tables` may be there. Throws
    /// ``TOMLError``.
    public static func read(_ document: [UInt8], tables: Bool = false) throws -> [TOMLEntry] {
        var reader = TOMLReader(document)
        do {
            return try reader.document(tables: tables)
        } catch var error as TOMLError {
            error.line = reader.line
            throw error
        }
    }
}

/// A document that cannot be read, and why.
public struct TOMLError: Error, CustomStringConvertible {
    /// Where, from 1.
    public var line = 0
    /// What is wrong.
    public var reason: String

    init(_ reason: String) { self.reason = reason }

    /// The error in one line.
    public var description: String { "line \(line): \(reason)" }
}
