internal import Linux

/// A systemd unit as its files make it: the unit file and its drop-ins, read as systemd.unit(5) says.
struct Unit {
    /// Where units are looked for, the first to have a file's name wins. The last is the same as the one before where
    /// /lib is a link.
    static let directories = [
        "/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
        "/lib/systemd/system",
    ]

    let name: String
    /// In the order in which they are read.
    let files: [NodeFile]

    /// nil when there is no such unit, or it is masked.
    init?(_ name: String, on node: Node) throws {
        self.name = name
        var main: NodeFile?
        var additions: [String: NodeFile] = [:]
        for directory in Self.directories {
            if main == nil {
                // So a unit is masked.
                if (try? Files.linkTarget("\(node.root)\(directory)/\(name)")) == "/dev/null" { return nil }
                main = try node.file("\(directory)/\(name)")
            }
            for addition in node.names("\(directory)/\(name).d") where addition.hasSuffix(".conf") {
                guard additions[addition] == nil else { continue }
                additions[addition] = try node.file("\(directory)/\(name).d/\(addition)")
            }
        }
        guard let main else { return nil }
        files = [main] + additions.sorted { $0.key < $1.key }.map(\.value)
    }

    /// The values that a key has in the end: an empty assignment takes back what came before.
    func values(_ key: String, in section: String) -> [String] {
        var values: [String] = []
        for assignment in files.flatMap({ UnitText.assignments(in: $0.text) })
        where assignment.section == section && assignment.key == key {
            if assignment.value.isEmpty { values.removeAll() } else { values.append(assignment.value) }
        }
        return values
    }

    /// The files that EnvironmentFile= names, which need not exist.
    var environmentFiles: [String] {
        values("EnvironmentFile", in: "Service").map { $0.hasPrefix("-") ? String($0.dropFirst()) : $0 }
    }

    /// The program and its arguments, with variables put in; nil when there is no ExecStart=.
    func command(on node: Node) throws -> [String]? {
        guard let line = values("ExecStart", in: "Service").last else { return nil }
        var variables: [String: String] = [:]
        for word in values("Environment", in: "Service").flatMap(UnitText.words) { assign(word, &variables) }
        for path in environmentFiles {
            guard let text = try node.file(path)?.text else { continue }
            for line in UnitText.continued(text) where !line.hasPrefix("#") && !line.hasPrefix(";") {
                let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2 else { continue }
                variables[String(parts[0])] = UnitText.words(String(parts[1])).joined(separator: " ")
            }
        }
        let prefixed = line.drop { "@-:+!".contains($0) }
        return UnitText.words(String(prefixed)).flatMap { expanded($0, variables) }
    }

    private func assign(_ word: String, _ variables: inout [String: String]) {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
    }

    /// `$NAME` as a word of its own is split at blanks, `${NAME}` within one is not (systemd.service(5)).
    private func expanded(_ word: String, _ variables: [String: String]) -> [String] {
        if word.hasPrefix("$"), !word.hasPrefix("${"), !word.hasPrefix("$$") {
            return UnitText.words(variables[String(word.dropFirst())] ?? "")
        }
        var result = ""
        var rest = word[...]
        while let start = rest.firstRange(of: "${"), let end = rest[start.upperBound...].firstIndex(of: "}") {
            result += rest[..<start.lowerBound] + (variables[String(rest[start.upperBound..<end])] ?? "")
            rest = rest[rest.index(after: end)...]
        }
        return [result + rest]
    }
}

/// The syntax of systemd's files (systemd.syntax(7)).
enum UnitText {
    struct Assignment: Equatable {
        var section: String
        var key: String
        var value: String
    }

    static func assignments(in text: String) -> [Assignment] {
        var section = ""
        return continued(text).compactMap { line in
            if line.hasPrefix("["), line.hasSuffix("]") { section = String(line.dropFirst().dropLast()) }
            guard !line.hasPrefix("#"), !line.hasPrefix(";"), let equals = line.firstIndex(of: "=") else { return nil }
            return Assignment(
                section: section, key: trimmed(line[..<equals]), value: trimmed(line[line.index(after: equals)...]))
        }
    }

    /// Lines without blanks around them, those that end in a backslash joined; comments between these are left out.
    static func continued(_ text: String) -> [String] {
        var lines: [String] = []
        var open = ""
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let line = trimmed(line)
            if !open.isEmpty, line.hasPrefix("#") || line.hasPrefix(";") { continue }
            if line.hasSuffix("\\") {
                open += line.dropLast() + " "
            } else {
                lines.append(trimmed((open + line)[...]))
                open = ""
            }
        }
        if !open.isEmpty { lines.append(trimmed(open[...])) }
        return lines.filter { !$0.isEmpty }
    }

    /// The words of a value: blanks part them, quotes hold them together, a backslash takes the next character as it is.
    static func words(_ text: String) -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var isEscaped = false
        for character in text {
            if isEscaped {
                word = (word ?? "") + String(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if let open = quote {
                if character == open { quote = nil } else { word = (word ?? "") + String(character) }
            } else if character == "\"" || character == "'" {
                quote = character
                word = word ?? ""
            } else if character.isWhitespace {
                if let done = word { words.append(done) }
                word = nil
            } else {
                word = (word ?? "") + String(character)
            }
        }
        return words + (word.map { [$0] } ?? [])
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        let start = text.drop(while: \.isWhitespace)
        let end = start.lastIndex { !$0.isWhitespace }.map(start.index(after:)) ?? start.startIndex
        return String(start[..<end])
    }
}
