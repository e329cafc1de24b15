public import ArgumentParser
internal import CRI
internal import Runtime

/// `fender ps`: the pods and their containers.
public struct PodsCommand: AsyncParsableCommand {
    /// What `--help` says.
    public static let configuration = CommandConfiguration(
        commandName: "ps", abstract: "List pods and their containers; works with every CRI server.")

    @OptionGroup var connection: ConnectionOptions

    @Flag(name: .shortAndLong, help: "Also what has ended.")
    var all = false

    @Option(name: .shortAndLong, help: "Only this namespace.")
    var namespace: String?

    @Flag(help: "Print the CRI's messages as JSON: {\"sandboxes\": [...], \"containers\": [...]}.")
    var json = false

    /// A command with no argument given.
    public init() {}

    /// Prints the list. Throws ``RPCError`` when the daemon cannot be reached.
    public func run() async throws {
        let (sandboxes, containers) = try await connection.connected { connection in
            (try await connection.sandboxes(), try await connection.containers())
        }
        let pods = Pods(sandboxes, containers, all: all, namespace: namespace)
        if json {
            print(
                "{\"sandboxes\":\(try jsonArray(pods.sandboxes)),\"containers\":\(try jsonArray(pods.containers))}"
            )
        } else {
            for line in pods.table(now: nanosecondsNow()).lines { print(line) }
        }
    }
}

/// Pods and their containers, those of one pod together.
struct Pods {
    let sandboxes: [PodSandbox]
    let containers: [Container]

    init(_ sandboxes: [PodSandbox], _ containers: [Container], all: Bool, namespace: String?) {
        self.sandboxes = sandboxes.filter {
            (all || $0.state == .sandboxReady) && (namespace == nil || $0.metadata.namespace == namespace)
        }.sorted { Self.key($0) < Self.key($1) }
        let ids = Set(self.sandboxes.map(\.id))
        self.containers = containers.filter {
            ids.contains($0.podSandboxID) && (all || $0.state == .containerRunning || $0.state == .containerCreated)
        }.sorted { ($0.metadata.name, $0.createdAt) < ($1.metadata.name, $1.createdAt) }
    }

    private static func key(_ sandbox: PodSandbox) -> (String, String, Int64) {
        (sandbox.metadata.namespace, sandbox.metadata.name, sandbox.createdAt)
    }

    /// `now` is in nanoseconds since the epoch.
    func table(now: Int64) -> Table {
        var table = Table([
            ("NAMESPACE", .left), ("POD", .left), ("CONTAINER", .left), ("STATE", .left), ("RESTARTS", .right),
            ("AGE", .right), ("IMAGE", .left), ("ID", .left),
        ])
        let grouped = Dictionary(grouping: containers, by: \.podSandboxID)
        for sandbox in sandboxes {
            let pod = [sandbox.metadata.namespace, sandbox.metadata.name]
            let state = sandbox.state == .sandboxReady ? "Ready" : "NotReady"
            let inside = grouped[sandbox.id] ?? []
            if inside.isEmpty {
                let age = Quantities.age(nanoseconds: now - sandbox.createdAt)
                table.append(pod + ["-", state, "-", age, "-", Quantities.short(sandbox.id)])
            }
            for container in inside {
                table.append(
                    pod + [
                        container.metadata.name, Self.name(container.state), "\(container.metadata.attempt)",
                        Quantities.age(nanoseconds: now - container.createdAt), Self.image(container),
                        Quantities.short(container.id),
                    ])
            }
        }
        return table
    }

    private static func name(_ state: ContainerState) -> String {
        switch state {
        case .containerCreated: "Created"
        case .containerRunning: "Running"
        case .containerExited: "Exited"
        default: "Unknown"
        }
    }

    private static func image(_ container: Container) -> String {
        let image = container.image.givenName
        return image.hasPrefix("sha256:") ? Quantities.short(image) : image
    }
}
