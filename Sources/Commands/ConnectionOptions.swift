internal import ArgumentParser
internal import CRI
internal import Configuration
internal import Linux
internal import RPC
internal import SwiftProtobuf

/// How a command reaches the daemon.
struct ConnectionOptions: ParsableArguments {
    @Option(help: "The daemon's socket. (default: the one that the settings name)")
    var endpoint: String?

    @Option(help: "Seconds that an answer may take.")
    var timeout = 10.0

    /// Lets `body` call the daemon, and ends the connection.
    func connected<Result>(_ body: (CRIConnection) async throws -> Result) async throws -> Result {
        let client = try Client(try Self.socket(endpoint))
        let result: Result
        do {
            result = try await body(CRIConnection(client: client, timeout: .seconds(timeout)))
        } catch {
            await client.close()
            throw error
        }
        await client.close()
        return result
    }

    /// The path of a socket by what a flag says; nil asks the settings.
    static func socket(_ endpoint: String?) throws -> String {
        if let endpoint {
            return endpoint.hasPrefix("unix://") ? String(endpoint.dropFirst("unix://".count)) : endpoint
        }
        return try LoadedConfiguration.ofThisMachine().values.socketPath
    }
}

extension LoadedConfiguration {
    /// The settings as a daemon started without flags finds them.
    static func ofThisMachine() throws -> LoadedConfiguration {
        try LoadedConfiguration(flags: CommandLineFlags([]), environment: Environment.variables())
    }
}

extension FenderConfiguration {
    /// Where the daemon is to be found; a socket that a service manager passes is expected at the usual place.
    var socketPath: String {
        if case .path(let path) = containerRuntimeEndpoint { return path }
        if case .path(let path) = FenderConfiguration().containerRuntimeEndpoint { return path }
        return "/run/fender/fender.sock"
    }
}

/// Calls to a CRI server, which need not be ours.
struct CRIConnection {
    enum Service: String {
        case runtime = "runtime.v1.RuntimeService"
        case image = "runtime.v1.ImageService"
    }

    let client: Client
    let timeout: Duration

    /// Throws ``RPCError``.
    func call<Response: Message>(
        _ service: Service, _ method: String, _ request: some Message, as _: Response.Type = Response.self
    ) async throws -> Response {
        let bytes: [UInt8] = try request.serializedBytes()
        let answer = try await client.unary("/\(service.rawValue)/\(method)", bytes, timeout: timeout)
        return try Response(serializedBytes: answer)
    }

    func containers(_ filter: ContainerFilter = ContainerFilter()) async throws -> [Container] {
        var request = ListContainersRequest()
        request.filter = filter
        return try await call(.runtime, "ListContainers", request, as: ListContainersResponse.self).containers
    }

    func sandboxes() async throws -> [PodSandbox] {
        try await call(.runtime, "ListPodSandbox", ListPodSandboxRequest(), as: ListPodSandboxResponse.self).items
    }

    /// Each container's pod, by the container's id.
    func pods() async throws -> [String: PodSandboxMetadata] {
        let sandboxes = Dictionary(try await sandboxes().map { ($0.id, $0.metadata) }) { $1 }
        return Dictionary(
            try await containers().compactMap { container in
                sandboxes[container.podSandboxID].map { (container.id, $0) }
            }
        ) { $1 }
    }

    func images() async throws -> [Image] {
        try await call(.image, "ListImages", ListImagesRequest(), as: ListImagesResponse.self).images
    }

    func statistics() async throws -> [ContainerStats] {
        try await call(
            .runtime, "ListContainerStats", ListContainerStatsRequest(), as: ListContainerStatsResponse.self
        ).stats
    }
}

/// Messages as a JSON array.
func jsonArray(_ messages: [some Message]) throws -> String {
    "[\(try messages.map { try $0.jsonString() }.joined(separator: ","))]"
}
