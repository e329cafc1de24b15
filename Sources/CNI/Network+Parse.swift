internal import Linux

extension Network {
    /// Reads a file of the configuration directory, and the plugins that other files add to it.
    init(file name: String, in directory: String) throws {
        let path = "\(directory)/\(name)"
        var document = try Self.parse(try NetworkSnapshot.read(path))
        if !name.hasSuffix(".conflist") { document = try Self.list(ofPlugin: document) }
        let external = try Self.externalPlugins(of: document, in: directory)
        if !external.isEmpty {
            document["plugins"] = .array((document["plugins"]?.array ?? []) + external)
            // The cached copy is whole: a later reader must not look for the files again.
            document["loadOnlyInlinedPlugins"] = .bool(true)
        }
        try self.init(document: document, path: path)
    }

    /// Reads a list of plugins as the cache keeps it.
    init(cached bytes: [UInt8]) throws {
        var document = try Self.parse(bytes)
        // libcni's cache of a single plugin's network, made without a list.
        if document["plugins"] == nil { document = try Self.list(ofPlugin: document) }
        try self.init(document: document, path: "")
    }

    /// A network that stands in no file, by its list of plugins. Throws CNIError.
    public init(list text: String) throws { try self.init(document: Self.parse(Array(text.utf8)), path: "") }

    private init(document: JSONValue, path: String) throws {
        let name = document["name"]?.string ?? ""
        guard Identifier.isValid(name) else { throw invalid("network name \"\(name)\" is not allowed") }
        let plugins = try (document["plugins"]?.array ?? []).map(NetworkPlugin.init(document:))
        guard !plugins.isEmpty else { throw invalid("no plugins") }
        self.name = name
        self.path = path
        self.plugins = plugins
        self.document = document
        version = try Self.version(of: document)
        disableCheck = try Self.flag("disableCheck", of: document)
        disableGC = try Self.flag("disableGC", of: document)
    }

    private static func parse(_ bytes: [UInt8]) throws -> JSONValue {
        let document: JSONValue
        do {
            document = try JSONValue(parsing: bytes)
        } catch {
            throw invalid("\(error)")
        }
        guard document.members != nil else { throw invalid("not a JSON object") }
        return document
    }

    private static func list(ofPlugin document: JSONValue) throws -> JSONValue {
        guard document["type"]?.string != nil else {
            throw invalid(
                document["plugins"] == nil ? "no plugin type" : "a list of plugins needs the suffix .conflist")
        }
        var members: [JSONValue.Member] = []
        for key in ["name", "cniVersion"] {
            if let value = document[key] { members.append(.init(key: key, value: value)) }
        }
        members.append(.init(key: "loadOnlyInlinedPlugins", value: .bool(true)))
        members.append(.init(key: "plugins", value: .array([document])))
        return .object(members)
    }

    /// The plugins of `<directory>/<name>/*.conf`, unless the list forbids it (specification 1.1, section 1).
    private static func externalPlugins(of document: JSONValue, in directory: String) throws -> [JSONValue] {
        guard try !flag("loadOnlyInlinedPlugins", of: document), let name = document["name"]?.string,
            Identifier.isValid(name)
        else { return [] }
        let folder = "\(directory)/\(name)"
        return try Files.names(in: folder).filter { $0.hasSuffix(".conf") }.map { file in
            try parse(try NetworkSnapshot.read("\(folder)/\(file)"))
        }
    }

    /// The highest version that the list offers and we know.
    private static func version(of document: JSONValue) throws -> CNIVersion {
        var texts: [String] = []
        if let value = document["cniVersion"] {
            guard let text = value.string else { throw invalid("cniVersion is not a string") }
            if !text.isEmpty { texts.append(text) }
        }
        if let value = document["cniVersions"] {
            guard let values = value.array, values.count == value.strings.count else {
                throw invalid("cniVersions is not a list of strings")
            }
            texts += value.strings
        }
        if texts.isEmpty { return .oldest }
        let versions = try texts.map { text in
            guard let version = CNIVersion(text) else { throw invalid("\"\(text)\" is not a CNI version") }
            return version
        }
        guard let best = versions.filter({ $0 <= .current }).max() else {
            throw invalid("CNI version \(texts[0]) is newer than \(CNIVersion.current)")
        }
        return best
    }

    /// A boolean, which libcni also reads from a string.
    private static func flag(_ key: String, of document: JSONValue) throws -> Bool {
        switch document[key] {
        case nil, .null: return false
        case .bool(let value): return value
        case .string(let text) where ["true", "false"].contains(text.lowercased()): return text.lowercased() == "true"
        default: throw invalid("\(key) is not a boolean")
        }
    }
}

extension NetworkPlugin {
    fileprivate init(document: JSONValue) throws {
        guard document.members != nil else { throw invalid("a plugin is not an object") }
        let type = document["type"]?.string ?? ""
        // A type is a file's name in the plugin directories, and must not lead out of them (CVE-2021-20206). Plugins
        // that delegate look the ipam type up in the same way, old ones without asking.
        guard Identifier.isFileName(type) else { throw invalid("plugin type \"\(type)\" is not allowed") }
        let delegate = document["ipam"]?["type"]?.string ?? ""
        guard delegate.isEmpty || Identifier.isFileName(delegate) else {
            throw invalid("ipam type \"\(delegate)\" is not allowed")
        }
        self.type = type
        self.document = document
        capabilities = (document["capabilities"]?.members ?? []).filter { $0.value == .bool(true) }.map(\.key)
    }
}

private func invalid(_ message: String) -> CNIError { CNIError(.invalidConfiguration, message: message) }
