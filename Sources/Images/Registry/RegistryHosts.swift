/// Where registries are found: as configured in containerd's form, a directory with a `hosts.toml` for each.
struct RegistryHosts {
    private let directory: String?

    init(_ directory: String?) { self.directory = directory }

    /// The hosts to ask, in order; the registry itself is the last.
    func hosts(of registry: String) throws -> [RegistryHost] {
        [try RegistryHost(registry: registry)]
    }
}
