/// Which plugin changed what: two that want to set the same thing are in conflict, and the call fails.
struct Owners: Sendable {
    /// Two plugins want the same.
    struct Conflict: Error, CustomStringConvertible {
        let description: String
    }

    private(set) var message = NRIOwningPlugins()

    /// Notes that `plugin` sets a field of a container. Throws ``Conflict``.
    mutating func claim(_ claim: Claim, of container: String, by plugin: String) throws {
        let field = Int32(claim.field.rawValue)
        let owner =
            claim.entry.map { message.owners[container]?.compound[field]?.owners[$0] }
            ?? message.owners[container]?.simple[field]
        if let owner, owner != Removal.mark(plugin) {
            let what = claim.entry.map { "\(claim.field) \($0)" } ?? "\(claim.field)"
            throw Conflict(description: "plugins \(plugin) and \(Removal.name(owner)) both tried to set \(what)")
        }
        set(claim, of: container, to: plugin)
    }

    /// Notes that `plugin` took away what was there, and alone may set it again.
    mutating func clear(_ claim: Claim, of container: String, by plugin: String) {
        set(claim, of: container, to: Removal.mark(plugin))
    }

    /// Notes one more of those who add to a field.
    mutating func add(_ field: NRIField, of container: String, by plugin: String) {
        let before = message.owners[container]?.simple[Int32(field.rawValue)]
        set(Claim(field), of: container, to: before.map { "\($0),\(plugin)" } ?? plugin)
    }

    private mutating func set(_ claim: Claim, of container: String, to owner: String) {
        let field = Int32(claim.field.rawValue)
        if let entry = claim.entry {
            message.owners[container, default: .init()].compound[field, default: .init()].owners[entry] = owner
        } else {
            message.owners[container, default: .init()].simple[field] = owner
        }
    }
}

/// A field, or one entry of a field that has many.
struct Claim: Sendable, Equatable {
    var field: NRIField
    var entry: String?

    init(_ field: NRIField, _ entry: String? = nil) {
        self.field = field
        self.entry = entry
    }
}

/// How plugins say that something is to go: a minus before its name.
public enum Removal {
    /// The name to be removed; nil when the text asks for no removal.
    public static func of(_ text: String) -> String? { text.hasPrefix("-") ? String(text.dropFirst()) : nil }
    /// The name, whether to be removed or not.
    public static func name(_ text: String) -> String { of(text) ?? text }
    /// What asks for removal.
    public static func mark(_ name: String) -> String { "-\(name)" }
}
