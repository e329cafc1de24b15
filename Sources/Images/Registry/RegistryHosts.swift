internal import Linux
internal import TOML

/// Where registries are found: as configured in containerd's form, a directory for each with a `hosts.toml`.
struct RegistryHosts {
    private let directory: String?

    init(_ directory: String?) { self.directory = directory }

    /// The hosts to ask, in order: mirrors as the file has them, and the registry itself.
    func hosts(of registry: String) throws -> [RegistryHost] {
        let own = try RegistryHost(registry: registry)
        for place in Self.names(of: registry).compactMap({ name in directory.map { "\($0)/\(name)" } }) {
            let file = "\(place)/hosts.toml"
            guard Files.exists(file) else { continue }
            return try ImageError.naming("read \(file)") {
                do {
                    return try HostsFile(try TOMLEntry.read(try Files.read(file), tables: true), in: place).hosts(
                        own, registry)
                } catch let error as TOMLError {
                    throw ImageError(.invalid, "\(error)")
                }
            }
        }
        return [own]
    }

    /// The directories to look in, the first that is there counts: as containerd has it.
    static func names(of registry: String) -> [String] {
        guard !registry.contains("/"), !registry.hasPrefix(".") else { return [] }
        var names = [registry, "_default"]
        if let colon = registry.lastIndex(of: ":"), colon > registry.startIndex {
            names.insert("\(registry[..<colon])_\(registry[registry.index(after: colon)...])_", at: 0)
        }
        return names
    }
}

/// A `hosts.toml` (containerd, docs/hosts.md), taken apart by host.
private struct HostsFile {
    fileprivate struct Section {
        /// The host's URL; nil for the registry itself.
        var url: String?
        var entries: [(name: [String], entry: TOMLEntry)] = []
    }

    private var sections: [Section] = [Section()]
    /// What relative paths are relative to.
    private let place: String

    init(_ entries: [TOMLEntry], in place: String) throws {
        self.place = place
        for entry in entries {
            guard entry.path.first == "host", entry.path.count > 1 else {
                sections[0].entries.append((entry.path, entry))
                continue
            }
            let url = entry.path[1]
            if !sections.contains(where: { $0.url == url }) { sections.append(Section(url: url)) }
            for index in sections.indices where sections[index].url == url {
                sections[index].entries.append((Array(entry.path.dropFirst(2)), entry))
            }
        }
    }

    func hosts(_ own: RegistryHost, _ registry: String) throws -> [RegistryHost] {
        var hosts: [RegistryHost] = []
        for section in sections.dropFirst() {
            guard let url = section.url else { continue }
            let base = try address(url, section)
            // The registry by another way, such as without TLS, is still the registry.
            let isOwn = base.host == own.base.host && base.description.authority == own.base.description.authority
            if let host = try host(section, base, mirrored: isOwn ? nil : registry) { hosts.append(host) }
        }
        let server = try sections[0].text("server")
        let base = try server.map { try address($0, sections[0]) } ?? own.base
        if let host = try host(sections[0], base, mirrored: nil) { hosts.append(host) }
        return hosts
    }

    /// The host of a section; nil when nothing is to be pulled from it.
    private func host(_ section: Section, _ base: WebAddress, mirrored: String?) throws -> RegistryHost? {
        let capabilities = try section.texts("capabilities")
        if let capabilities, !capabilities.contains("pull") { return nil }
        var host = RegistryHost(base: base, mirrored: mirrored)
        host.resolves = capabilities?.contains("resolve") ?? true
        host.tls.skipsVerification = try section.bool("skip_verify")
        let authorities = try section.texts("ca") ?? []
        guard authorities.count <= 1 else { throw ImageError(.invalid, "ca: one file can be used; put them together") }
        host.tls.authorities = authorities.first.map(path)
        if let client = section["client"] { try setClient(client, &host.tls) }
        for (name, entry) in section.entries where name.first == "header" && name.count == 2 {
            for value in entry.kind == .array ? entry.elements.map(\.value) : [entry.value] {
                guard !(name[1] + value).utf8.contains(where: { $0 < 0x20 }) else {
                    throw ImageError(.invalid, "header: a control character")
                }
                host.headers.append("\(name[1]): \(value)")
            }
        }
        return host
    }

    /// `client = "both.pem"`, or a list with one such or one pair of certificate and key.
    private func setClient(_ entry: TOMLEntry, _ tls: inout TLSSettings) throws {
        let pair =
            entry.elements.first.map { $0.kind == .string ? [$0.value] : $0.elements.map(\.value) } ?? [entry.value]
        guard entry.elements.count <= 1, let certificate = pair.first, pair.count <= 2 else {
            throw ImageError(.invalid, "client: one certificate can be used")
        }
        tls.certificate = path(certificate)
        tls.key = path(pair.count == 2 ? pair[1] : certificate)
    }

    private func path(_ text: String) -> String { text.hasPrefix("/") ? text : "\(place)/\(text)" }

    private func address(_ text: String, _ section: Section) throws -> WebAddress {
        let isBare = !text.contains("://")
        guard let plain = WebAddress(isBare ? "https://\(text)" : text),
            let address = isBare && plain.isLoopback ? WebAddress("http://\(text)") : plain
        else { throw ImageError(.invalid, "\(text.debugDescription) is no registry's address") }
        var whole = address.description
        while whole.hasSuffix("/") { whole.removeLast() }
        if try !section.bool("override_path") && !whole.hasSuffix("/v2") { whole += "/v2" }
        guard let base = WebAddress(whole) else { throw ImageError(.invalid, "\(text.debugDescription): bad path") }
        return base
    }
}

extension HostsFile.Section {
    subscript(name: String) -> TOMLEntry? { entries.last { $0.name == [name] }?.entry }

    func text(_ name: String) throws -> String? {
        guard let entry = self[name] else { return nil }
        guard entry.kind == .string else { throw ImageError(.invalid, "line \(entry.line): \(name): not a string") }
        return entry.value
    }

    /// A list of strings, or a single one.
    func texts(_ name: String) throws -> [String]? {
        guard let entry = self[name] else { return nil }
        if entry.kind == .string { return [entry.value] }
        guard entry.kind == .array, entry.elements.allSatisfy({ $0.kind == .string }) else {
            throw ImageError(.invalid, "line \(entry.line): \(name): not a list of strings")
        }
        return entry.elements.map(\.value)
    }

    func bool(_ name: String) throws -> Bool {
        guard let entry = self[name] else { return false }
        guard entry.kind == .boolean else {
            throw ImageError(.invalid, "line \(entry.line): \(name): not true or false")
        }
        return entry.value == "true"
    }
}

extension String {
    /// Host and port of a URL.
    fileprivate var authority: Substring {
        let rest = firstRange(of: "://").map { self[$0.upperBound...] } ?? self[...]
        return rest.prefix { $0 != "/" }
    }
}
