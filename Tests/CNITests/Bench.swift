import Linux
import Logging
import TestScratch
import Testing

@testable import CNI

/// A place of its own for a test: configuration, plugins, cache, journal, and a "host" network namespace that the
/// reference plugins work in, so that the real host sees no bridge and no rule.
final class Bench: Sendable {
    private let scratch: Scratch
    var directory: String { scratch.path }
    let host: NetworkNamespace
    static let referencePlugins = "/usr/lib/cni"

    init() async throws {
        scratch = try Scratch()
        host = try await NetworkNamespace.create()
        try await host.bringLoopbackUp()
        for name in ["net.d", "bin", "cache", "journal", "ipam", "log"] {
            try Files.makeDirectories("\(directory)/\(name)")
        }
    }

    var settings: PodNetwork.Settings { Self.settings(directory) }

    static func settings(_ directory: String) -> PodNetwork.Settings {
        var settings = PodNetwork.Settings()
        settings.configurationDirectory = "\(directory)/net.d"
        settings.pluginDirectories = ["\(directory)/nosuch", "\(directory)/bin"]
        settings.cacheDirectory = "\(directory)/cache"
        settings.journalDirectory = "\(directory)/journal"
        settings.addTimeout = .seconds(20)
        settings.deleteTimeout = .seconds(20)
        return settings
    }

    /// A client on the bench; `logging` is told the name of each new network.
    func network(
        _ change: (inout PodNetwork.Settings) -> Void = { _ in }, logging: (@Sendable (String?) -> Void)? = nil
    ) -> PodNetwork {
        var settings = settings
        change(&settings)
        return PodNetwork(
            settings: settings,
            logger: Logger(label: "test", factory: { _ in NetworkNames(tell: logging ?? { _ in }) }))
    }

    func write(_ path: String, _ text: String, mode: UInt32 = 0o644) throws {
        try Files.replace("\(directory)/\(path)", with: Array(text.utf8), mode: mode)
    }

    func configure(_ text: String, name: String = "10-test.conflist") throws {
        try write("net.d/\(name)", text)
    }

    /// The reference plugins, made to work in the bench's host namespace.
    func installReference(_ names: String...) throws {
        for name in names {
            try install(name, raw: "exec nsenter --net=\(host.path) \(Self.referencePlugins)/\(name)")
        }
    }

    func install(_ name: String, raw script: String) throws {
        try write("bin/\(name)", "#!/bin/sh\n\(script)\n", mode: 0o755)
    }

    /// A plugin that notes its call in `log/calls` and its input in `log/<name>.<verb>`, then runs the script.
    func install(_ name: String, _ script: String = "") throws {
        try install(
            name,
            raw: """
                cat > \(directory)/log/\(name).$CNI_COMMAND
                echo "$CNI_COMMAND \(name) $CNI_CONTAINERID $CNI_IFNAME ${CNI_NETNS:-gone}" >> \(directory)/log/calls
                echo "$CNI_ARGS" > \(directory)/log/args
                \(script)
                """)
    }

    /// What plugins were called, as "VERB plugin".
    func calls() -> [String] {
        let text = (try? Files.text("\(directory)/log/calls")) ?? ""
        return text.split(separator: "\n").map { $0.split(separator: " ").prefix(2).joined(separator: " ") }
    }

    func forgetCalls() throws { try Files.remove("\(directory)/log/calls") }

    /// What a plugin was given at its last call of a verb.
    func input(_ plugin: String, _ verb: String) throws -> JSONValue {
        try JSONValue(parsing: Files.read("\(directory)/log/\(plugin).\(verb)"))
    }

    /// Names in one of the bench's directories.
    func names(_ path: String) -> [String] { (try? Files.names(in: "\(directory)/\(path)")) ?? [] }

    /// The addresses that host-local has given out.
    func leases(_ network: String = "test") -> [String] {
        names("ipam/\(network)").filter { $0.first?.isNumber == true || $0.contains(":") }
    }

    /// Runs a shell command in a namespace and answers its output.
    @discardableResult func shell(_ namespace: NetworkNamespace, _ script: String) async throws -> String {
        var command = Command("/usr/bin/nsenter")
        command.arguments = ["--net=\(namespace.path)", "sh", "-c", script]
        command.environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
        command.deadline = .now + .seconds(20)
        let outcome = try await command.run()
        let text = String(decoding: outcome.output + outcome.errors, as: UTF8.self)
        try #require(outcome.status == .exited(0), "\(script): \(text)")
        return text
    }
}

/// A sandbox: its namespace and what is asked for it.
struct Pod: Sendable {
    let namespace: NetworkNamespace
    var request: PodAttachment

    init(_ number: Int = 1) async throws {
        namespace = try await NetworkNamespace.create()
        request = PodAttachment(
            sandboxID: Pod.id(number), netns: namespace.path, podName: "web-\(number)", podNamespace: "shop",
            podUID: "6f1c-\(number)")
    }

    static func id(_ number: Int) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "a", count: 64 - digits.count) + digits
    }

    /// The request as it is when the sandbox has died.
    var gone: PodAttachment {
        var request = request
        request.netns = ""
        return request
    }
}

/// Standard results for shell-script plugins.
enum Script {
    static let result =
        #"echo '{"cniVersion":"1.0.0","interfaces":[{"name":"eth0","sandbox":"/x"}],"ips":[{"address":"10.3.0.5/24","interface":0}]}'"#
    /// The result on ADD, silence otherwise.
    static let good = "[ $CNI_COMMAND = ADD ] && \(result); exit 0"

    static func fails(_ verb: String, code: Int = 100) -> String {
        """
        if [ $CNI_COMMAND = \(verb) ]; then echo '{"code":\(code),"msg":"no luck","details":"at all"}'; exit 1; fi
        \(good)
        """
    }

    static func list(_ plugins: String..., version: String = "1.0.0", extra: String = "") -> String {
        let objects = plugins.map { #"{"type":"\#($0)"}"# }.joined(separator: ",")
        return #"{"cniVersion":"\#(version)","name":"test"\#(extra),"plugins":[\#(objects)]}"#
    }
}

/// A log that listens for "network configuration changed".
private struct NetworkNames: LogHandler {
    let tell: @Sendable (String?) -> Void
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    init(tell: @escaping @Sendable (String?) -> Void) { self.tell = tell }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        guard "\(event.message)" == "network configuration changed" else { return }
        let name = event.metadata?["network"].map { "\($0)" } ?? ""
        tell(name.isEmpty ? nil : name)
    }
}
