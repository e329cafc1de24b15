internal import Logging
internal import Synchronization

/// What is known of the daemon's API version.
struct Negotiation {
    /// The version that calls use; nil before the first call and after the daemon was away.
    var version: APIVersion?
    /// What the daemon named as its newest, to notice another daemon behind the same socket.
    var daemonVersion: APIVersion?
}

extension DockerEngine {
    /// The version that calls use, asked for when it is not known.
    ///
    /// Throws ``DockerError/Kind/unsupported`` when the daemon is older than ``APIVersion/oldest``.
    public var apiVersion: APIVersion {
        get async throws {
            if let known = negotiation.withLock({ $0.version }) { return known }
            return try await negotiate()
        }
    }

    /// The version that the last calls used, without asking; nil when it is not known.
    public var knownAPIVersion: APIVersion? {
        negotiation.withLock { $0.version }
    }

    /// `HEAD /_ping`, `GET` where `HEAD` is refused: the newest API version that the daemon speaks.
    ///
    /// Also renews the negotiated version.
    @discardableResult
    public func ping(deadline: Duration? = .seconds(10)) async throws -> APIVersion {
        var response = try await exchange(Request(.head, "/_ping", deadline: deadline))
        if response.status != 200 || response.apiVersion == nil {
            response = try await exchange(Request(.get, "/_ping", deadline: deadline))
        }
        guard response.status == 200 else {
            throw DockerError(status: response.status, message: response.dockerMessage, call: "GET /_ping")
        }
        guard let text = response.apiVersion, let version = APIVersion(text) else {
            throw DockerError(
                .decoding, status: 200, message: "no API version in the answer: not a Docker daemon",
                call: "GET /_ping")
        }
        learn(daemonVersion: version)
        return version
    }

    private func negotiate() async throws -> APIVersion {
        let daemonVersion = try await ping()
        guard daemonVersion >= .oldest else {
            throw DockerError(
                .unsupported,
                message: "the Docker daemon at \(endpoint) speaks API \(daemonVersion); "
                    + "\(APIVersion.oldest) (Docker 20.10) or newer is needed")
        }
        return min(daemonVersion, .newest)
    }

    /// Takes note of the version in an answer's `Api-Version` header, which every answer of a daemon carries.
    func learn(daemonVersion: APIVersion) {
        let changed = negotiation.withLock { state in
            guard state.daemonVersion != daemonVersion || state.version == nil else { return false }
            state.daemonVersion = daemonVersion
            state.version = daemonVersion < .oldest ? nil : min(daemonVersion, .newest)
            return true
        }
        if changed { logger.info("docker speaks API \(daemonVersion)") }
    }

    /// Forgets the version: the daemon that comes back may be another one.
    func forgetVersion() {
        negotiation.withLock { $0 = Negotiation() }
    }
}
