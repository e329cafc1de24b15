internal import Linux
internal import Logging

extension PodNetwork {
    /// Runs the plugins of an ADD in order, each given the result of the one before (specification, section 3).
    func runAdd(_ attachment: Attachment, heir: Command.Heir) async throws -> JSONValue {
        let deadline = ContinuousClock.now + settings.addTimeout
        var previous: JSONValue?
        for plugin in attachment.network.plugins {
            let request = plugin.request(
                attachment.network, previous: previous, capabilityArguments: attachment.capabilities)
            let call = PluginCall(
                verb: .add, type: plugin.type, request: request, deadline: deadline,
                parameters: attachment.parameters, heir: heir)
            guard var result = try await run(call), result.members != nil else {
                throw CNIError(.badOutput, verb: "ADD", plugin: plugin.type, message: "answered no result")
            }
            // A result without a version is of the version that was asked for, as libcni takes it.
            if result["cniVersion"]?.string?.isEmpty != false {
                result["cniVersion"] = .string(attachment.network.cniVersion)
            }
            previous = result
        }
        return previous ?? .object([])
    }

    /// Runs the plugins of a DEL in reverse; the first failure ends it.
    func runDelete(_ attachment: Attachment, deadline: ContinuousClock.Instant, heir: Command.Heir?) async throws {
        let network = attachment.network
        let previous = network.version >= .check ? attachment.result : nil
        for plugin in network.plugins.reversed() {
            let request = plugin.request(network, previous: previous, capabilityArguments: attachment.capabilities)
            let call = PluginCall(
                verb: .delete, type: plugin.type, request: request, deadline: deadline,
                parameters: attachment.parameters, heir: heir)
            do {
                _ = try await run(call)
            } catch let error as CNIError where error.code == .unknownContainer {
                // "Does not need any cleanup" (specification, section 5).
                logger.debug("DEL of an unknown container", metadata: ["plugin": "\(plugin.type)"])
            }
        }
    }

    /// Runs the plugins of a CHECK in order.
    func runCheck(_ attachment: Attachment) async throws {
        let deadline = ContinuousClock.now + settings.deleteTimeout
        for plugin in attachment.network.plugins {
            let request = plugin.request(
                attachment.network, previous: attachment.result, capabilityArguments: attachment.capabilities)
            let call = PluginCall(
                verb: .check, type: plugin.type, request: request, deadline: deadline,
                parameters: attachment.parameters)
            _ = try await run(call)
        }
    }
}

/// A plugin that has ended.
public struct PluginRun: Sendable {
    /// `ADD`, `DEL` or `CHECK`.
    public var verb: String
    /// The plugin's name.
    public var plugin: String
    /// Whether it answered an error, or nothing that can be read.
    public var failed: Bool
    /// From its start to its end.
    public var duration: Duration
}

extension PodNetwork {
    /// Runs a plugin and tells the observer.
    private func run(_ call: PluginCall) async throws -> JSONValue? {
        let start = ContinuousClock.now
        var failed = true
        defer {
            settings.observer?(
                PluginRun(
                    verb: call.verb.rawValue, plugin: call.type, failed: failed, duration: start.duration(to: .now)))
        }
        let answer = try await call.run(in: settings.pluginDirectories)
        failed = false
        return answer
    }
}

extension Attachment {
    /// The environment of a verb that is about a container.
    fileprivate var parameters: [(name: String, value: String)] {
        [
            ("CNI_CONTAINERID", sandboxID), ("CNI_NETNS", netns), ("CNI_IFNAME", interface),
            ("CNI_ARGS", argumentText),
        ]
    }
}
