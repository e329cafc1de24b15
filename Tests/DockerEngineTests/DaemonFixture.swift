import DockerEngine
import TestSupport

/// The shared dockerd with the test image in it, and a client of it.
struct DaemonFixture {
    static let image = "fender-test/busybox:1"

    let daemon: DockerDaemon
    let engine: DockerEngine

    private static let imported = Task {
        let daemon = try await DockerDaemon.shared()
        let engine = try DockerEngine(endpoint: DockerEndpoint(.unix(path: daemon.socket)))
        try await engine.importImage(.bytes(BusyboxImage.archive()), repo: "fender-test/busybox", tag: "1")
    }

    static func make() async throws -> DaemonFixture {
        try await imported.value
        let daemon = try await DockerDaemon.shared()
        return DaemonFixture(
            daemon: daemon, engine: try DockerEngine(endpoint: DockerEndpoint(.unix(path: daemon.socket))))
    }

    /// Creates a container that runs `command`, hands it to `body`, and removes it whatever happens.
    func withContainer<Value>(
        _ command: [String], name: String? = nil, _ change: (inout Docker.ContainerCreateRequest) -> Void = { _ in },
        _ body: (String) async throws -> Value
    ) async throws -> Value {
        var config = Docker.ContainerConfig()
        config.Image = Self.image
        config.Cmd = command
        var request = Docker.ContainerCreateRequest(config: config)
        request.HostConfig.NetworkMode = "none"
        request.HostConfig.LogConfig = Docker.LogConfig(Type: "json-file")
        change(&request)
        let id = try await engine.createContainer(name: name, request).Id
        do {
            let value = try await body(id)
            try await engine.removeContainer(id, force: true, volumes: true)
            return value
        } catch {
            try? await engine.removeContainer(id, force: true, volumes: true)
            throw error
        }
    }
}
