internal import OCI

/// Short ways to write parts of a config.json.
extension JSON {
    static func strings(_ values: [String]) -> JSON { .array(values.map { .string($0) }) }

    /// An entry of `mounts`.
    static func mount(_ destination: String, _ type: String, _ source: String, _ options: [String]) -> JSON {
        .compact([
            ("destination", .string(destination)), ("type", .string(type)), ("source", .string(source)),
            ("options", .strings(options)),
        ])
    }

    /// An entry of `linux.namespaces`; without a path a new one.
    static func namespace(_ type: String, _ path: String? = nil) -> JSON {
        .compact([("type", .string(type)), ("path", path.map { .string($0) })])
    }

    /// A rule of `linux.resources.devices`.
    static func deviceRule(
        allow: Bool, type: String = "a", major: Int64? = nil, minor: Int64? = nil, access: String = "rwm"
    ) -> JSON {
        .compact([
            ("allow", .bool(allow)), ("type", .string(type)), ("major", major.map { .integer($0) }),
            ("minor", minor.map { .integer($0) }), ("access", .string(access)),
        ])
    }

    static let version = JSON.string("1.2.0")
    /// What every runtime takes; some refuse a document of a later version, whatever it holds.
    static let oldestVersion = JSON.string("1.0.2")
}
