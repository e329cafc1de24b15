public import ArgumentParser
internal import Configuration
internal import DockerEngine
internal import FoundationEssentials
internal import Logging
internal import RPC

/// `fender check`: what a node needs, and has.
public struct CheckCommand: AsyncParsableCommand {
    /// What `--help` says.
    public static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Look at what this node needs for Fender, and say what to do.",
        discussion: "Ends with 1 if something fails, with 0 if there are warnings only.")

    @Flag(help: "Print a JSON array of {area, result, text, advice}.")
    var json = false

    /// A command with no argument given.
    public init() {}

    /// Prints the findings. Throws an exit code when one of them is a failure.
    public func run() async throws {
        let loaded = try LoadedConfiguration.ofThisMachine()
        let findings = await Self.findings(Node(settings: loaded.values, backEnd: loaded.backEnd))
        print(json ? try Self.encode(findings) : Self.lines(findings).joined(separator: "\n"))
        if findings.contains(where: { $0.result == .fail }) { throw ExitCode(1) }
    }

    static func findings(_ node: Node) async -> [Finding] {
        var found = KernelCheck(node).findings
        var driver = KubeletCheck.Driver.any
        if node.backEnd == .docker {
            let (docker, its) = await self.docker(node)
            found += docker
            driver = its.map { .named($0) } ?? .unknown
        }
        found += NetworkCheck(node).findings
        found += KubeletCheck(node, cgroupDriver: driver).findings
        guard let client = try? Client(node.settings.socketPath) else { return found }
        let service = await ServiceCheck(node).findings(asking: CRIConnection(client: client, timeout: .seconds(5)))
        await client.close()
        let isServing = service.first?.result == .pass
        return found + PortCheck(node).findings(isServing: isServing) + service
    }

    /// What there is to say of Docker, and its cgroup driver.
    private static func docker(_ node: Node) async -> ([Finding], String?) {
        do {
            let endpoint = try node.settings.engineEndpoint()
            let engine = try DockerEngine(endpoint: endpoint, logger: Logger(label: "check"))
            let version = try await engine.version(deadline: .seconds(5))
            let info = try await engine.info(deadline: .seconds(10))
            return (DockerCheck(version, info).findings, info.CgroupDriver)
        } catch {
            return ([.fail("docker", "it does not answer: \(error)", "Start it, or set runtime = \"native\".")], nil)
        }
    }

    static func lines(_ findings: [Finding]) -> [String] {
        let width = findings.map(\.area.count).max() ?? 0
        var lines = findings.flatMap { finding in
            let area = finding.area + String(repeating: " ", count: width - finding.area.count)
            let advice = finding.advice.map { [String(repeating: " ", count: width + 8) + "→ \($0)"] } ?? []
            return ["\(finding.result)  \(area)  \(finding.text)"] + advice
        }
        let counts = [Finding.Result.pass, .warn, .fail].map { result in
            "\(findings.count { $0.result == result }) \(result)"
        }
        lines += ["", counts.joined(separator: ", ")]
        return lines
    }

    private static func encode(_ findings: [Finding]) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(findings), as: UTF8.self)
    }
}
