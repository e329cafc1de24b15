/// A configuration that cannot be honoured: the path of the field and why.
public struct SpecError: Error, Sendable, Equatable, CustomStringConvertible {
    /// As in `linux.resources.memory.limit` or `mounts[2].source`.
    public var path: String
    /// What is wrong.
    public var reason: String

    /// About the field at `path`.
    public init(_ path: String, _ reason: String) {
        self.path = path
        self.reason = reason
    }

    /// The error in one sentence.
    public var description: String { path.isEmpty ? reason : "\(path): \(reason)" }
}

/// A place in a JSON document on its way to a typed value, which knows its path for errors.
public struct Field {
    /// Nil when it is absent or null.
    public let value: JSON?
    /// Where it is.
    public let path: String

    /// The field that holds `value`.
    public init(_ value: JSON?, path: String = "") {
        self.value = value == .null ? nil : value
        self.path = path
    }

    /// Whether the document has it.
    public var isPresent: Bool { value != nil }

    /// A member of this object.
    public subscript(key: String) -> Field { Field(value?[key], path: path.isEmpty ? key : "\(path).\(key)") }

    /// An error about this field.
    public func error(_ reason: String) -> SpecError { SpecError(path, reason) }

    /// This object, nil when absent; anything else is refused.
    public func object<Value>(_ decode: (Field) throws -> Value) throws -> Value? {
        guard let value else { return nil }
        guard case .object = value else { throw error("must be an object") }
        return try decode(self)
    }

    /// Each element of this array; none when absent.
    public func array<Value>(_ decode: (Field) throws -> Value) throws -> [Value] {
        guard let value else { return [] }
        guard case .array(let values) = value else { throw error("must be an array") }
        return try values.enumerated().map { try decode(Field($1, path: "\(path)[\($0)]")) }
    }

    /// Text without NUL; nil when absent.
    public func string() throws -> String? {
        guard let value else { return nil }
        guard case .string(let text) = value else { throw error("must be a string") }
        guard !text.utf8.contains(0) else { throw error("must not hold a NUL") }
        return text
    }

    /// Text that must be there.
    public func required() throws -> String {
        guard let text = try string() else { throw error("is missing") }
        return text
    }

    /// A truth value; false when absent.
    public func bool() throws -> Bool {
        guard let value else { return false }
        guard case .bool(let truth) = value else { throw error("must be true or false") }
        return truth
    }

    /// An integer of the type's range; nil when absent.
    public func integer<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) throws -> Number? {
        guard let value else { return nil }
        guard case .number(let text) = value, let number = Number(text) else {
            throw error("must be an integer from \(Number.min) to \(Number.max)")
        }
        return number
    }

    /// A list of strings.
    public func strings() throws -> [String] { try array { try $0.required() } }

    /// An object whose values are strings.
    public func dictionary() throws -> [(key: String, value: String)] {
        guard let value else { return [] }
        guard case .object(let members) = value else { throw error("must be an object") }
        return try members.map { member in
            guard !member.key.utf8.contains(0) else { throw error("has a key with a NUL") }
            return (member.key, try Field(member.value, path: "\(path).\(member.key)").string() ?? "")
        }
    }

    /// Refuses the field when it holds anything: what we do not implement must not be taken for done.
    public func refuse() throws {
        switch value {
        case nil, .array([]), .object([]), .bool(false), .string(""): return
        default: throw error("is not supported")
        }
    }
}
