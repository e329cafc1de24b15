/// A JSON document kept as it was written: the order of keys and the digits of numbers survive, so that what a plugin
/// is given is what the administrator wrote.
enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    /// A number's text.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([Member])

    struct Member: Sendable, Equatable {
        var key: String
        var value: JSONValue
    }

    /// An object's member; nil when there is none or this is no object. A key that stands twice means its last.
    subscript(key: String) -> JSONValue? {
        get {
            guard case .object(let members) = self else { return nil }
            return members.last { $0.key == key }?.value
        }
        set {
            guard case .object(var members) = self else { return }
            let first = members.firstIndex { $0.key == key }
            guard let newValue else {
                members.removeAll { $0.key == key }
                self = .object(members)
                return
            }
            if let first {
                members[first].value = newValue
                let later = members.indices.reversed().filter { $0 > first && members[$0].key == key }
                for index in later { members.remove(at: index) }
            } else {
                members.append(Member(key: key, value: newValue))
            }
            self = .object(members)
        }
    }

    var string: String? { if case .string(let text) = self { text } else { nil } }
    var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    var array: [JSONValue]? { if case .array(let values) = self { values } else { nil } }
    var members: [Member]? { if case .object(let members) = self { members } else { nil } }
    var integer: Int? { if case .number(let text) = self { Int(text) } else { nil } }

    /// The strings of an array, passing over what is none; empty for anything else.
    var strings: [String] { array?.compactMap(\.string) ?? [] }

    static func strings(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }

    static func integer(_ value: some BinaryInteger) -> JSONValue { .number(String(value)) }

    /// An object with its keys in the order given.
    static func object(_ pairs: KeyValuePairs<String, JSONValue>) -> JSONValue {
        .object(pairs.map { Member(key: $0.key, value: $0.value) })
    }

    /// An object of strings, keys sorted.
    static func object(_ strings: [String: String]) -> JSONValue {
        .object(strings.sorted { $0.key < $1.key }.map { Member(key: $0.key, value: .string($0.value)) })
    }
}

/// Text that is no JSON: where and why.
struct JSONError: Error, Equatable, CustomStringConvertible {
    var offset: Int
    var reason: String
    var description: String { "not JSON: \(reason) at byte \(offset)" }
}
