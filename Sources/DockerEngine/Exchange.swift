/// A request to Docker that has been answered, or has failed.
public struct Exchange: Sendable {
    /// The method and the path without version, ids and names, such as `POST /containers/{id}/start`.
    public var route: String
    /// Docker's status; nil when no answer came.
    public var status: Int?
    /// To the last byte of the answer; for a stream to its head.
    public var duration: Duration
}

extension Request {
    /// What stays of the path when ids and names are taken out: one of a small set of texts.
    var route: String {
        var parts = path.split(separator: "/")
        if let first = parts.first, first.hasPrefix("v"), first.dropFirst().first?.isNumber == true {
            parts.removeFirst()
        }
        guard let object = parts.first else { return "\(method.rawValue) /" }
        let last =
            parts.count > 1 && Self.verbs.contains(String(parts[parts.count - 1])) ? "/\(parts[parts.count - 1])" : ""
        let named = parts.count > (last.isEmpty ? 1 : 2) ? "/{id}" : ""
        return "\(method.rawValue) /\(object)\(named)\(last)"
    }

    private static let verbs: Set = [
        "archive", "attach", "create", "df", "exec", "get", "json", "kill", "load", "prune", "resize", "start", "stop",
        "tag", "update", "wait",
    ]
}
