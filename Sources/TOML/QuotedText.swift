extension String {
    /// The text with every control character replaced by its escape.
    public var printable: String {
        unicodeScalars.contains { $0.properties.generalCategory == .control }
            ? unicodeScalars.map {
                $0.properties.generalCategory == .control ? $0.escaped(asASCII: false) : String($0)
            }.joined() : self
    }

    /// The text in quotes for a message, shortened when it is long.
    public var quoted: String {
        count > 120 ? "\"\(prefix(117))...\"" : "\"\(self)\""
    }
}
