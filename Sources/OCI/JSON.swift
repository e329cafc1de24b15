/// A JSON value (RFC 8259). Numbers keep their text, objects their order; of two equal keys the last counts.
public enum JSON: Sendable, Equatable {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case array([JSON])
    case object([Member])

    /// A key and its value.
    public struct Member: Sendable, Equatable {
        /// What stands before the colon.
        public var key: String
        /// Nil when it is absent or null.
        public var value: JSON

        /// One member.
        public init(_ key: String, _ value: JSON) {
            self.key = key
            self.value = value
        }
    }

    /// The member of an object; nil when it is absent or null.
    public subscript(key: String) -> JSON? {
        guard case .object(let members) = self, let member = members.last(where: { $0.key == key }) else { return nil }
        return member.value == .null ? nil : member.value
    }

    /// An object of the members whose value is there.
    public static func compact(_ members: [(String, JSON?)]) -> JSON {
        .object(members.compactMap { key, value in value.map { Member(key, $0) } })
    }

    /// An integer.
    public static func integer(_ value: some BinaryInteger) -> JSON { .number(String(value)) }
}

/// Text that is not JSON.
public struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Where, in bytes from the start.
    public var offset: Int
    /// What is wrong.
    public var reason: String

    /// The error in one sentence.
    public var description: String { "JSON: \(reason) at byte \(offset)" }
}
