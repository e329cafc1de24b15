/// A scalar at the top level of a YAML document in block style, read and changed where it stands.
struct YAMLText {
    private(set) var text: String
    let path: String

    /// Throws ``MigrationError`` for a document in which lines tell nothing: JSON, or several documents.
    init(_ file: NodeFile) throws {
        text = file.text
        path = file.path
        var lines = text.split(separator: "\n").drop { $0.hasPrefix("#") || $0.allSatisfy(\.isWhitespace) }
        if lines.first?.hasPrefix("---") ?? false { lines = lines.dropFirst() }
        guard lines.first?.first != "{" else {
            throw MigrationError("\(path) is JSON: change containerRuntimeEndpoint by hand")
        }
        guard !lines.contains(where: { $0.hasPrefix("---") }) else {
            throw MigrationError("\(path) holds several documents")
        }
    }

    /// The value without quotes; nil when there is no such key or it is empty.
    func value(_ key: String) throws -> String? {
        guard let range = try valueRange(key) else { return nil }
        let value = text[range].filter { $0 != "\"" && $0 != "'" }
        return value.isEmpty ? nil : String(value)
    }

    /// Sets the key to the value; it is added at the end when it is not there.
    mutating func set(_ key: String, _ value: String) throws {
        if let range = try valueRange(key) {
            guard text[range] != value else { return }
            text.replaceSubrange(range, with: text[text.index(before: range.lowerBound)] == ":" ? " \(value)" : value)
        } else {
            text += (text.isEmpty || text.hasSuffix("\n") ? "" : "\n") + "\(key): \(value)\n"
        }
    }

    /// Where the value stands, behind the blanks and before a comment.
    private func valueRange(_ key: String) throws -> Range<String.Index>? {
        var found: Range<String.Index>?
        for line in text.split(separator: "\n") where line.hasPrefix("\(key):") {
            guard found == nil else { throw MigrationError("\(path) has \(key) twice") }
            let rest = line.dropFirst(key.count + 1)
            let start = rest.firstIndex { !$0.isWhitespace } ?? rest.endIndex
            // A comment begins behind a blank.
            let comment = rest.firstRange(of: " #")?.lowerBound ?? rest.endIndex
            let body = start < comment ? rest[start..<comment] : rest[rest.endIndex...]
            let end = body.lastIndex { !$0.isWhitespace }.map(body.index(after:)) ?? body.startIndex
            guard body.first != "|", body.first != ">", body.first != "&", body.first != "*" else {
                throw MigrationError("\(path): \(key) is no plain value")
            }
            found = body.startIndex..<end
        }
        return found
    }
}
