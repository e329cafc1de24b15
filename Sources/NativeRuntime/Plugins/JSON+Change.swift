internal import OCI

/// Changing a document in place.
extension JSON {
    /// Sets a member, or removes it.
    mutating func set(_ key: String, _ value: JSON?) {
        var members = members.filter { $0.key != key }
        if let value { members.append(.init(key, value)) }
        self = .object(members)
    }

    /// Changes a member; one that is missing begins as an empty object.
    mutating func change(_ key: String, _ body: (inout JSON) throws -> Void) rethrows {
        var value = self[key] ?? .object([])
        try body(&value)
        guard let place = members.firstIndex(where: { $0.key == key }) else { return set(key, value) }
        var members = members
        members[place].value = value
        self = .object(members)
    }

    /// Changes a member that is an array; one that is missing begins empty, and an empty one goes.
    mutating func changeArray(_ key: String, _ body: (inout [JSON]) throws -> Void) rethrows {
        var elements = self[key]?.elements ?? []
        try body(&elements)
        set(key, elements.isEmpty ? nil : .array(elements))
    }

    var members: [Member] { if case .object(let members) = self { members } else { [] } }
    var elements: [JSON] { if case .array(let elements) = self { elements } else { [] } }
    var text: String? { if case .string(let text) = self { text } else { nil } }
    var texts: [String] { elements.compactMap(\.text) }

    /// The number if there is one and it fits.
    func number<Value: FixedWidthInteger>(as: Value.Type = Value.self) -> Value? {
        if case .number(let text) = self { Value(text) } else { nil }
    }

    /// Members that are texts.
    var dictionary: [String: String] {
        Dictionary(members.compactMap { member in member.value.text.map { (member.key, $0) } }) { $1 }
    }

    static func dictionary(_ texts: [String: String]) -> JSON? {
        if texts.isEmpty { return nil }
        return .object(texts.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) })
    }
}
