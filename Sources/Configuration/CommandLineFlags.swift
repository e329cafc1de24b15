internal import TOML

/// The flags of one command line, told apart but not yet understood: Go's pflag rules, which unit files rely on.
public struct CommandLineFlags: Sendable {
    /// `--help` or `-h`.
    public private(set) var help = false
    /// `--version`.
    public private(set) var version = false
    /// `--buildinfo`.
    public private(set) var buildInfo = false
    /// Options with the text given for them, in the order of the command line.
    private(set) var settings: [(option: ConfigurationOption, text: String, origin: Origin)] = []

    /// The options that were given with their text, in the order of the command line.
    public var given: [(option: ConfigurationOption, text: String)] { settings.map { ($0.option, $0.text) } }

    /// Splits `arguments`; throws ``ConfigurationError`` for a flag that is none or lacks its value.
    public init(_ arguments: some Sequence<String>) throws {
        var rest = Array(arguments)[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("--"), argument != "--" else {
                try takeShort(argument)
                continue
            }
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let value = parts.count == 2 ? parts[1] : nil
            if try take(request: parts[0], value) { continue }
            try take(option: parts[0], value, &rest)
        }
    }

    private mutating func takeShort(_ argument: String) throws {
        if argument == "-h" {
            help = true
        } else if argument.hasPrefix("-"), argument.count > 2,
            ConfigurationOption.named("-" + flagName(argument)) != nil
        {
            throw ConfigurationError(.flag(argument), "", "flags take two dashes: -\(argument)")
        } else {
            throw ConfigurationError(.flag(argument.quoted), "", "not a flag; see --help")
        }
    }

    private mutating func take(request flag: String, _ value: String?) throws -> Bool {
        let field: WritableKeyPath<Self, Bool>
        switch flag {
        case "--help": field = \.help
        case "--version": field = \.version
        case "--buildinfo": field = \.buildInfo
        default: return false
        }
        do {
            self[keyPath: field] = try value.map(OptionType.boolean.parse) ?? true
        } catch let error as InvalidValue {
            throw ConfigurationError(.flag(flag), "", "\((value ?? "").quoted): \(error.reason)")
        }
        return true
    }

    private mutating func take(option flag: String, _ value: String?, _ rest: inout ArraySlice<String>) throws {
        guard let option = ConfigurationOption.named(flag) else {
            let names = ConfigurationOption.all.flatMap { [$0.flag] + $0.aliases.map { "--" + $0 } }
            let hint = suggestion(for: flag, among: names).map { "did you mean \($0)?" } ?? "see --help"
            throw ConfigurationError(.flag(flag), "", "no such flag; \(hint)")
        }
        guard let text = value ?? (option.isBoolean ? "true" : rest.popFirst()) else {
            throw ConfigurationError(.flag(flag), "", "needs a value: \(flag)=\(option.placeholder)")
        }
        settings.append((option, text, .flag(flag)))
    }
}

/// `-name` of `-name=value`.
private func flagName(_ argument: String) -> Substring {
    argument.prefix { $0 != "=" }
}

extension ConfigurationOption {
    /// The option a flag names, by its own name or an alias.
    static func named(_ flag: String) -> ConfigurationOption? {
        guard let name = flag.suffix(after: "--") else { return nil }
        return all.first { $0.name == name || $0.aliases.contains(name) }
    }
}
