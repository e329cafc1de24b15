extension ImageStore {
    /// Pulls an image. Calls for the same thing with the same credentials while one runs share it; it ends when the last
    /// of them is cancelled.
    ///
    /// Throws ``ImageError`` or `CancellationError`. What has arrived by then serves the next attempt.
    public func pull(_ source: PullSource, credentials: RegistryCredentials? = nil) async throws -> StoredImage {
        try await pullFlights.run(PullKey(source: source, credentials: credentials)) {
            throw ImageError(.registryUnavailable, "pull \(source.name): registries are not implemented yet")
        }
    }
}

/// What makes two pulls the same.
struct PullKey: Hashable, Sendable {
    var source: PullSource
    /// Who may not pull must not have the result of one who may.
    var credentials: RegistryCredentials?
}

/// What makes the fetching of two layers the same.
struct LayerKey: Hashable, Sendable {
    /// The blob as transferred.
    var blob: Digest
    var chain: Digest
}
