internal import TOML

/// A runtime handler and the OCI runtime behind it.
public struct RuntimeHandlerProgram: Sendable, Hashable {
    /// What a RuntimeClass names.
    public var name: String
    /// The program's path.
    public var path: String

    /// A handler.
    public init(name: String, path: String) {
        self.name = name
        self.path = path
    }
}

extension OptionType where Value == [RuntimeHandlerProgram] {
    /// `NAME=PATH` with commas between them; in a file also an array.
    static let runtimeHandlers = OptionType(
        placeholder: "NAME=PATH,...", kinds: [.string, .array],
        parse: { text in
            var handlers: [RuntimeHandlerProgram] = []
            for part in commaSeparated(text) {
                let handler = try handler(part)
                guard !handlers.contains(where: { $0.name == handler.name }) else {
                    throw InvalidValue("\(handler.name) is named twice")
                }
                handlers.append(handler)
            }
            return handlers
        }, show: { $0.map { "\($0.name)=\($0.path)" }.joined(separator: ",") })
}

/// Names are those that a RuntimeClass can have (DNS labels); "native" is the executor's own.
private func handler(_ text: String) throws -> RuntimeHandlerProgram {
    guard let equals = text.firstIndex(of: "=") else { throw InvalidValue("\(text) is not NAME=PATH") }
    let name = String(text[..<equals])
    let path = try absolute(String(text[text.index(after: equals)...]))
    let isLabel = name.utf8.allSatisfy { byte in
        UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
            || byte == UInt8(ascii: "-")
    }
    guard isLabel, (1...63).contains(name.utf8.count), !name.hasPrefix("-"), !name.hasSuffix("-") else {
        throw InvalidValue("\(name.debugDescription) cannot be a handler: lower-case letters, digits and - only")
    }
    guard name != "native" else { throw InvalidValue("native is Fender's own executor") }
    return RuntimeHandlerProgram(name: name, path: path)
}
