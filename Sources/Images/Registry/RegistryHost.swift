/// A server that can be asked for a registry's images: the registry itself or a mirror of it.
struct RegistryHost: Sendable, Hashable {
    /// Up to and without the repository, such as `https://registry-1.docker.io/v2`.
    var base: WebAddress
    var tls = TLSSettings()
    /// Lines to send with each request.
    var headers: [String] = []
    /// Whether it may say which manifest a tag names.
    var resolves = true
    /// The registry it mirrors; nil for the registry itself, the only one that is told credentials.
    var mirrored: String?

    /// The registry itself, as it is reached when nothing is configured: over https, and http on this machine.
    init(registry: String) throws {
        let host = registry == "docker.io" ? "registry-1.docker.io" : registry
        guard let secure = WebAddress("https://\(host)/v2"),
            let base = secure.isLoopback ? WebAddress("http://\(host)/v2") : secure
        else { throw ImageError(.invalid, "\(registry.debugDescription) is no registry's name") }
        self.base = base
    }

    init(base: WebAddress, tls: TLSSettings = TLSSettings(), headers: [String] = [], mirrored: String? = nil) {
        self.base = base
        self.tls = tls
        self.headers = headers
        self.mirrored = mirrored
    }

    /// Where something of a repository is.
    func address(_ repository: String, _ path: String) throws -> WebAddress {
        guard let address = WebAddress("\(base)/\(repository)/\(path)"),
            let whole = mirrored.map({ WebAddress(address.adding("ns", $0)) }) ?? address
        else { throw ImageError(.invalid, "\(repository.debugDescription) is no repository's name") }
        return whole
    }
}
