/// Flags as runc's commands have them: `--name value`, `--name=value`, `-n value`, and ones without value.
struct CommandLine {
    /// What a command understands.
    struct Flags {
        /// Names of flags without value.
        var switches: Set<String> = []
        /// Names of flags with a value.
        var values: Set<String> = []
        /// One-letter names.
        var short: [String: String] = [:]
    }

    private(set) var values: [String: [String]] = [:]
    private(set) var switches: Set<String> = []
    private(set) var rest: [String] = []

    /// Reads flags up to the first other word; what follows is ``rest``.
    init(_ words: some Sequence<String>, _ flags: Flags) throws {
        var words = Array(words)[...]
        while let word = words.first {
            guard word.hasPrefix("-"), word.count > 1 else { break }
            words.removeFirst()
            if word == "--" { break }
            try take(word, &words, flags)
        }
        rest = Array(words)
    }

    private mutating func take(_ word: String, _ words: inout ArraySlice<String>, _ flags: Flags) throws {
        let body = word.drop { $0 == "-" }
        let equals = body.firstIndex(of: "=")
        let written = String(body[..<(equals ?? body.endIndex)])
        let name = flags.short[written] ?? written
        if flags.switches.contains(name) {
            let value = equals.map { body[body.index(after: $0)...] } ?? "true"
            if value == "true" || value == "1" { switches.insert(name) }
        } else if flags.values.contains(name) {
            if let equals {
                values[name, default: []].append(String(body[body.index(after: equals)...]))
            } else if let value = words.popFirst() {
                values[name, default: []].append(value)
            } else {
                throw UsageError("flag needs an argument: -\(written)")
            }
        } else {
            throw UsageError("flag provided but not defined: -\(written)")
        }
    }

    subscript(name: String) -> String? { values[name]?.last }

    func has(_ name: String) -> Bool { switches.contains(name) }

    /// A decimal value.
    func number<Number: FixedWidthInteger>(_ name: String) throws -> Number? {
        guard let text = self[name] else { return nil }
        guard let number = Number(text) else { throw UsageError("invalid value \"\(text)\" for flag -\(name)") }
        return number
    }

    /// The container's id, the first word that is no flag.
    func id() throws -> String {
        guard let id = rest.first, !id.isEmpty else { throw UsageError("container id is missing") }
        return id
    }
}

/// A command line that makes no sense.
struct UsageError: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}
