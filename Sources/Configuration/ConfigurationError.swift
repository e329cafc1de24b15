internal import TOML

/// A setting that cannot be taken, told in one line that names it and where it stood.
public struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// One line without a newline: "origin: reason".
    public var description: String

    init(_ origin: Origin, _ name: String = "", _ reason: String) {
        let place = name.isEmpty || origin.names(name) ? "\(origin)" : "\(origin): \(name)"
        // What a user typed may hold anything; the promise is one line.
        description = "\(place): \(reason)".printable
    }
}

/// Where a setting came from.
public enum Origin: Sendable, Equatable, CustomStringConvertible {
    /// A flag, as it was typed.
    case flag(String)
    /// A line of the file; 0 for the file as a whole.
    case file(String, line: Int)
    /// A variable of the environment.
    case environment(String)

    /// `--flag`, `path:line` or the variable's name.
    public var description: String {
        switch self {
        case .flag(let flag): flag
        case .file(let path, let line): line == 0 ? path : "\(path):\(line)"
        case .environment(let variable): variable
        }
    }

    func names(_ name: String) -> Bool {
        if case .file = self { return false }
        return true
    }
}

/// The name among `names` that a slip of the fingers could have turned into `typed`.
func suggestion(for typed: String, among names: [String]) -> String? {
    let plain = typed.lowercased().map { $0 == "_" ? "-" : String($0) }.joined()
    let measured = names.map { name in
        (name, editDistance(plain, name.lowercased().map { $0 == "_" ? "-" : String($0) }.joined()))
    }
    guard let best = measured.min(by: { $0.1 < $1.1 }), best.1 <= max(2, best.0.count / 4) else { return nil }
    return best.0
}

/// Characters to insert, remove or replace to make `left` into `right` (Levenshtein).
private func editDistance(_ left: String, _ right: String) -> Int {
    let left = Array(left.utf8.prefix(128))
    let right = Array(right.utf8)
    var row = Array(0...right.count)
    for (i, a) in left.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, b) in right.enumerated() {
            let above = row[j + 1]
            row[j + 1] = min(above + 1, row[j] + 1, diagonal + (a == b ? 0 : 1))
            diagonal = above
        }
    }
    return row[right.count]
}
