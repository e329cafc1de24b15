/// What to pull. The caller has normalised the name: Docker Hub is `docker.io`, its official images `library/…`.
public struct PullSource: Sendable, Hashable {
    /// The registry's host, with a port if need be.
    public var registry: String
    /// The repository within the registry.
    public var repository: String
    /// The tag; with neither tag nor digest `latest` is meant.
    public var tag: String?
    /// The manifest's or index's digest, `sha256:…`; it decides when there is a tag as well.
    public var digest: String?

    /// A source of these parts.
    public init(registry: String, repository: String, tag: String? = nil, digest: String? = nil) {
        self.registry = registry
        self.repository = repository
        self.tag = tag
        self.digest = digest
    }

    /// The name without tag and digest.
    var name: String { "\(registry)/\(repository)" }

    /// What the registry is asked for.
    var reference: String { digest ?? tag ?? "latest" }
}

/// What a registry is told of who asks.
public enum RegistryCredentials: Sendable, Hashable {
    /// A user with a password, as basic authentication or to a token server.
    case password(user: String, password: String)
    /// A refresh token for the token server (`identity_token`).
    case identityToken(String)
    /// A token for the registry itself (`registry_token`).
    case registryToken(String)
}
