internal import Linux
internal import Synchronization

extension PodNetwork {
    /// Whether pods can get a network now; asks the plugins (STATUS) where the configuration's version has it,
    /// for at most ``Settings/statusTimeout``. Calls made at the same time share one answer.
    public func status() async -> NetworkStatus {
        let task = state.withLock { state in
            if let task = state.statusInFlight { return task }
            let task = Task { await freshStatus() }
            state.statusInFlight = task
            return task
        }
        return await task.value
    }

    private func freshStatus() async -> NetworkStatus {
        let answer = await askStatus()
        state.withLock { $0.statusInFlight = nil }
        return answer
    }

    private func askStatus() async -> NetworkStatus {
        guard let network = snapshot.network else { return .bad(missingNetworkMessage) }
        let directories = settings.pluginDirectories
        let absent = try? await DedicatedThread.run {
            network.pluginTypes.filter { PluginCall.find($0, in: directories) == nil }
        }
        if let absent, !absent.isEmpty {
            let names = absent.joined(separator: ", ")
            return .bad("network \(network.name): no plugin \(names) in \(directories.joined(separator: ", "))")
        }
        guard network.version >= .status else { return .good }
        let deadline = ContinuousClock.now + settings.statusTimeout
        do {
            for plugin in network.plugins {
                let call = PluginCall(
                    verb: .status, type: plugin.type, request: plugin.request(network), deadline: deadline)
                _ = try await call.run(in: directories)
            }
            return .good
        } catch {
            return .bad("network \(network.name): \(error)")
        }
    }

    /// VERSION: the versions of the specification that a plugin speaks. Throws ``CNIError``.
    public func versions(ofPlugin type: String) async throws -> [String] {
        guard Identifier.isFileName(type) else {
            throw CNIError(.invalidRequest, verb: "VERSION", message: "plugin type \"\(type)\" is not allowed")
        }
        // Plugins older than the verb want all variables to be there.
        let call = PluginCall(
            verb: .version, type: type, request: .object(["cniVersion": .string("\(CNIVersion.current)")]),
            deadline: .now + settings.statusTimeout,
            parameters: [("CNI_CONTAINERID", "dummy"), ("CNI_NETNS", "dummy"), ("CNI_IFNAME", "dummy")])
        return try await call.run(in: settings.pluginDirectories)?["supportedVersions"]?.strings ?? []
    }
}
