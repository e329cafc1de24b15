internal import Glibc
internal import Linux
internal import Logging
internal import NIOCore
internal import NIOPosix

/// Pre-installed plugins, which we start ourselves.
extension NodeResourceInterface {
    /// The programs in the plugins' directory, by their names, and their configurations.
    func discover() -> [(name: PluginName, path: String, configuration: String)] {
        let directory = settings.pluginDirectory
        return ((try? Files.names(in: directory)) ?? []).sorted().compactMap { file in
            let path = "\(directory)/\(file)"
            var status = stat()
            guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, access(path, X_OK) == 0 else {
                return nil
            }
            guard let name = PluginName(file: file) else {
                logger.warning("no name of an NRI plugin, which is NN-NAME", metadata: ["file": "\(path)"])
                return nil
            }
            return (name, path, configuration(of: name))
        }
    }

    private func configuration(of name: PluginName) -> String {
        for file in ["\(name.full).conf", "\(name.name).conf"] {
            if let text = try? Files.text("\(settings.configurationDirectory)/\(file)") { return text }
        }
        return ""
    }

    /// Runs a plugin until it ends; it is not started again.
    func launch(_ name: PluginName, _ path: String, _ configuration: String) async {
        do {
            var ends: [CInt] = [-1, -1]
            let kind = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
            try system("socketpair") { socketpair(AF_UNIX, kind, 0, &ends) }
            let ours = ends[0]
            let theirs = Descriptor(owning: ends[1])
            var command = Command(path)
            command.environment = [
                "NRI_PLUGIN_NAME=\(name.name)", "NRI_PLUGIN_IDX=\(name.index)", "NRI_PLUGIN_SOCKET=3",
            ]
            command.dropsOutput = true
            command.heir = Command.Heir(theirs)
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelOption(.autoRead, value: false)
                .withConnectedSocket(ours).get()
            try await run(command, name, channel, configuration)
        } catch is CancellationError {
        } catch {
            logger.warning("launch NRI plugin", metadata: ["plugin": "\(name.full)", "error": "\(error)"])
        }
    }

    private func run(
        _ command: Command, _ name: PluginName, _ channel: any Channel, _ configuration: String
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                // Ends by cancellation when the connection does: the plugin is killed.
                let outcome = try await command.run()
                channel.close(promise: nil)
                if Task.isCancelled { return }
                self.logger.warning(
                    "NRI plugin has ended",
                    metadata: [
                        "plugin": "\(name.full)", "status": "\(outcome.status)",
                        "stderr": "\(String(decoding: outcome.errors.suffix(2000), as: UTF8.self))",
                    ])
            }
            group.addTask { await self.welcome(channel, launched: name, configuration: configuration) }
            _ = try await group.next()
            group.cancelAll()
            try await group.waitForAll()
        }
    }
}
