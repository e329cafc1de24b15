/// The Engine API's types, named and spelled as the API's own reference names and spells them.
///
/// Property names are the JSON keys. What Docker leaves out or sends as `null` is nil or empty, what is unknown is
/// skipped; only a value of another type fails.
public enum Docker {
    /// An object without fields, as in `ExposedPorts` and `Volumes`.
    public struct EmptyObject: Codable, Sendable, Hashable {
        /// `{}`.
        public init() {}
    }

    /// An answer that carries the id of what was created.
    public struct IDResponse: Codable, Sendable, Hashable {
        /// The full id.
        @Defaulted public var Id: String
    }
}

/// What can stand in for a field that Docker left out.
public protocol Emptiable {
    /// The empty value.
    init()
}

extension String: Emptiable {}
extension Bool: Emptiable {}
extension Int: Emptiable {}
extension Int64: Emptiable {}
extension Array: Emptiable {}
extension Dictionary: Emptiable {}

/// A field that decodes to its empty value where Docker sends `null` or nothing.
@propertyWrapper
public struct Defaulted<Value: Emptiable & Codable & Sendable & Hashable>: Codable, Sendable, Hashable {
    /// The value, or the empty one.
    public var wrappedValue: Value

    /// A field that holds `wrappedValue`.
    public init(wrappedValue: Value = Value()) {
        self.wrappedValue = wrappedValue
    }

    /// Decodes the value itself; `null` is the empty one.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        wrappedValue = container.decodeNil() ? Value() : try container.decode(Value.self)
    }

    /// Encodes the value itself.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(wrappedValue)
    }
}

extension KeyedDecodingContainer {
    /// Chosen by the compiler for every ``Defaulted`` field, so that a missing key is no error.
    func decode<Value>(_ type: Defaulted<Value>.Type, forKey key: Key) throws -> Defaulted<Value> {
        Defaulted(wrappedValue: try decodeIfPresent(Value.self, forKey: key) ?? Value())
    }
}
