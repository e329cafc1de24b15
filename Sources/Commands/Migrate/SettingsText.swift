internal import Configuration

/// Fender's settings file with some of a shim's settings added.
struct SettingsText {
    private(set) var text: String
    /// Settings that the file has already, with another value: these stay.
    private(set) var kept: [String] = []

    init(_ text: String) { self.text = text }

    /// Adds a setting behind the comment that shows its default, else at the end. A default needs no line, unless asked for.
    mutating func add(_ setting: FormerShim.Setting, evenAsDefault: Bool = false) {
        guard let option = ConfigurationOption.all.first(where: { $0.name == setting.option }), let key = option.key,
            let line = option.fileLine(setting.text)
        else { return }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if let own = lines.first(where: { Self.assigns($0, key) }) {
            if own != line { kept.append(key) }
            return
        }
        guard evenAsDefault || line != option.fileLine(option.defaultText) else { return }
        if let comment = lines.firstIndex(where: { $0.hasPrefix("#") && Self.assigns(String($0.dropFirst()), key) }) {
            lines.insert(line, at: comment + 1)
            text = lines.joined(separator: "\n")
        } else {
            text += (text.isEmpty || text.hasSuffix("\n") ? "" : "\n") + line + "\n"
        }
    }

    /// Gives a setting a value, in the place of one that it has.
    mutating func set(_ setting: FormerShim.Setting) {
        guard let option = ConfigurationOption.all.first(where: { $0.name == setting.option }), let key = option.key,
            let line = option.fileLine(setting.text)
        else { return }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard let own = lines.firstIndex(where: { Self.assigns($0, key) }) else { return add(setting) }
        lines[own] = line
        text = lines.joined(separator: "\n")
    }

    private static func assigns(_ line: String, _ key: String) -> Bool {
        line.hasPrefix(key) && line.dropFirst(key.count).first { !$0.isWhitespace } == "="
    }
}
