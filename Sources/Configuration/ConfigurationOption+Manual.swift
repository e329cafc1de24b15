internal import TOML

extension ConfigurationOption {
    /// fender.toml(5) as man(7) wants it.
    public static var manual: String {
        var lines = [
            ".TH FENDER.TOML 5 \"\" Fender Fender", ".SH NAME", "fender.toml \\- settings of fender(1)", ".SH SYNOPSIS",
            ".I /etc/fender/config.toml", ".SH DESCRIPTION",
            "A TOML file with one setting a line, all at the top level. A key that is no setting is an error.",
            "A flag of fender(1) wins over the file, the file over the environment, and what none of them names has its",
            "default. SIGHUP has the daemon read the settings again.",
        ]
        for section in Section.allCases {
            lines.append(".SH \(escaped(section.rawValue.uppercased()))")
            for option in all where option.section == section {
                guard let key = option.key else { continue }
                lines += [
                    ".TP", ".BR \"\(escaped(key)) = \(escaped(option.tomlDefault))\"",
                    "Flag \\fB\(escaped(option.flag))\\fR, variable \\fB\(escaped(option.environment))\\fR.", ".br",
                ]
                // A line of its own for each sentence, as roff wants, and none that begins with a period.
                lines.append(escaped(option.help))
            }
        }
        lines += [".SH SEE ALSO", ".BR fender (1),", ".BR fender-oci (8)"]
        return lines.joined(separator: "\n") + "\n"
    }

    private static func escaped(_ text: String) -> String {
        text.map { character in
            switch character {
            case "\\": "\\e"
            case "-": "\\-"
            case "\"": "\\(dq"
            default: String(character)
            }
        }.joined()
    }
}
