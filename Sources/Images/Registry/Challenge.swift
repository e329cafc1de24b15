/// What a registry asks for in `WWW-Authenticate` (RFC 7235, and the distribution specification's token authentication).
enum Challenge: Equatable {
    case basic
    case bearer(realm: String, service: String?, scope: String?)

    /// The best of an answer's challenges; nil when it has none that we know.
    init?(_ head: HTTPHead) {
        let all = head.headers.filter { $0.name == "www-authenticate" }.compactMap { Challenge($0.value) }
        guard let best = all.first(where: { $0 != .basic }) ?? all.first else { return nil }
        self = best
    }

    init?(_ text: String) {
        let space = text.firstIndex(of: " ") ?? text.endIndex
        let parameters = Self.parameters(text[space...])
        switch text[..<space].lowercased() {
        case "basic": self = .basic
        case "bearer":
            guard let realm = parameters["realm"] else { return nil }
            self = .bearer(realm: realm, service: parameters["service"], scope: parameters["scope"])
        default: return nil
        }
    }

    /// `name="value"` and `name=value`, with commas between.
    private static func parameters(_ text: Substring) -> [String: String] {
        var parameters: [String: String] = [:]
        var rest = text
        while let equals = rest.firstIndex(of: "=") {
            let name = rest[..<equals].drop { $0 == "," || $0.isWhitespace }.lowercased()
            rest = rest[rest.index(after: equals)...]
            var value = ""
            if rest.first == "\"" {
                rest.removeFirst()
                while let character = rest.popFirst(), character != "\"" {
                    guard let plain = character == "\\" ? rest.popFirst() : character else { break }
                    value.append(plain)
                }
            } else {
                let bare = rest.prefix { $0 != "," }
                rest = rest[bare.endIndex...]
                value = bare.trimmed
            }
            if parameters[name] == nil { parameters[name] = value }
        }
        return parameters
    }
}
