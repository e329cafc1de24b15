internal import TOML

extension ConfigurationOption {
    /// The table in docs/configuration.md.
    public static var markdown: String {
        var text = ""
        for section in Section.allCases {
            text += "### \(section.rawValue)\n\n| flag, key, variable | default | meaning |\n|---|---|---|\n"
            for option in all where option.section == section { text += option.markdownRow + "\n" }
            text += "\n"
        }
        return String(text.dropLast())
    }

    private var markdownRow: String {
        var names = ["`\(flagWithValue.replacing("|", with: "\\|"))`"]
        names += aliases.map { "`--\($0)`" }
        if let key { names.append("`\(key)`") }
        names.append("`\(environment)`")
        let value = defaultText.isEmpty ? "(empty)" : "`\(defaultText)`"
        return "| \(names.joined(separator: "<br>")) | \(value) | \(help) |"
    }

    /// packaging/config.toml: every setting at its default, each commented out.
    public static var sampleFile: String {
        var text = """
            # Settings of Fender, each at its default. Flags override this file; this file overrides the
            # environment. docs/configuration.md tells of all three.

            """
        for section in Section.allCases {
            text += "\n# \(section.rawValue)\n"
            for option in all where option.section == section {
                guard let key = option.key else { continue }
                text += "\n" + wrapped(option.help, width: 96, indent: "# ") + "\n#\(key) = \(option.tomlDefault)\n"
            }
        }
        return text
    }

    var tomlDefault: String { tomlValue(defaultText) }

    /// The line of a file that means what a flag with this text does; nil for the file's own path and for text that
    /// the option does not take.
    public func fileLine(_ text: String) -> String? {
        var values = FenderConfiguration()
        guard let key, (try? assign(text, &values)) != nil else { return nil }
        return "\(key) = \(tomlValue(show(values)))"
    }

    private func tomlValue(_ text: String) -> String {
        if kinds.contains(.array) {
            return "[" + text.split(separator: ",").map { quoted($0) }.joined(separator: ", ") + "]"
        }
        return kinds.contains(.string) ? quoted(text[...]) : text
    }

    private func quoted(_ text: Substring) -> String {
        "\"\(text.map { "\"\\".contains($0) ? "\\\($0)" : String($0) }.joined())\""
    }

    /// The options as `--help` shows them.
    public static var helpText: String {
        var text = ""
        for section in Section.allCases {
            text += "\(section.rawValue):\n"
            for option in all where option.section == section {
                let flags = ([option.flagWithValue] + option.aliases.map { "--" + $0 }).joined(separator: ", ")
                let value = option.defaultText.isEmpty ? "" : " (default: \(option.defaultText))"
                text += "  \(flags)\n" + wrapped(option.help + value, width: 96, indent: "        ") + "\n"
            }
            text += "\n"
        }
        return String(text.dropLast())
    }

    private var flagWithValue: String {
        placeholder.isEmpty ? flag : "\(flag)=\(placeholder)"
    }
}

/// Lines of at most `width` characters where words allow it, each after `indent`.
private func wrapped(_ text: String, width: Int, indent: String) -> String {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
        if !line.isEmpty && line.count + word.count + 1 > width {
            lines.append(indent + line)
            line = ""
        }
        line += (line.isEmpty ? "" : " ") + word
    }
    return (lines + [indent + line]).joined(separator: "\n")
}
