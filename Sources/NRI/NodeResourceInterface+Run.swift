internal import Glibc
internal import Linux
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import SwiftProtobuf
internal import Synchronization

/// How plugins come and go.
extension NodeResourceInterface {
    /// Connections that have not registered yet; more are closed at once.
    static let newcomerLimit = 32
    static let pluginLimit = 128

    /// Launches pre-installed plugins, then listens for others, until the task is cancelled.
    ///
    /// Throws when the socket cannot be had.
    public func run() async throws {
        let listener = try await listen()
        await withDiscardingTaskGroup { group in
            for (name, path, configuration) in discover() {
                group.addTask { await self.launch(name, path, configuration) }
            }
            guard let listener else { return await Self.untilCancelled() }
            await withTaskCancellationHandler {
                try? await listener.executeThenClose { connections in
                    for try await channel in connections {
                        group.addTask { await self.welcome(channel, launched: nil, configuration: "") }
                    }
                }
            } onCancel: {
                listener.channel.close(promise: nil)
            }
            group.cancelAll()
        }
        if listener != nil, let path = settings.socket { try? Files.remove(path) }
    }

    private static func untilCancelled() async {
        let (stream, _) = AsyncStream.makeStream(of: Never.self)
        for await _ in stream {}
    }

    private typealias Listener = NIOAsyncChannel<any Channel, Never>

    private func listen() async throws -> Listener? {
        guard let path = settings.socket else { return nil }
        let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
        try Files.makeDirectories(directory, mode: 0o700)
        if (try? UnixSocket.connect(to: path)) != nil {
            throw NRIError(description: "listen on \(path): another runtime answers there")
        }
        // Bound where nobody looks yet, so that it is never there with other permissions.
        let hidden = "\(path).new"
        try Files.remove(hidden)
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(unixDomainSocketPath: hidden) { channel in
                // Nothing is read before someone listens to what is said.
                channel.setOption(.autoRead, value: false).map { channel }
            }
        do {
            _ = try system("chmod", hidden) { chmod(hidden, 0o600) }
            _ = try system("rename", path) { rename(hidden, path) }
        } catch {
            listener.channel.close(promise: nil)
            throw error
        }
        logger.info("NRI listens", metadata: ["socket": "\(path)"])
        return listener
    }

    /// Serves one plugin from its registration to its end.
    func welcome(_ channel: any Channel, launched: PluginName?, configuration: String) async {
        let connection = PluginConnection(channel: channel)
        let isAdmitted = newcomers.withLock { count in
            guard count < Self.newcomerLimit, pluginCount < Self.pluginLimit else { return false }
            count += 1
            return true
        }
        guard isAdmitted else {
            logger.warning("too many NRI plugins at once")
            return connection.close("too many plugins")
        }
        await withTaskCancellationHandler {
            await serve(connection, channel, launched, configuration)
        } onCancel: {
            connection.close("the runtime ends")
        }
    }

    private func serve(
        _ connection: PluginConnection, _ channel: any Channel, _ launched: PluginName?, _ configuration: String
    ) async {
        let registration = Registration()
        let member = Member()
        await withDiscardingTaskGroup { group in
            group.addTask {
                await connection.serve { method, payload in
                    try await self.answer(method, payload, registration, member, isNamed: launched == nil)
                }
            }
            group.addTask {
                do {
                    try await self.admit(connection, channel, registration, member, launched, configuration)
                } catch {
                    self.logger.warning("NRI plugin did not join", metadata: ["error": "\(error)"])
                    connection.close("\(error)")
                }
            }
            await connection.ended()
            registration.close()
        }
        if let plugin = member.plugin { leave(plugin) }
    }

    private func admit(
        _ connection: PluginConnection, _ channel: any Channel, _ registration: Registration, _ member: Member,
        _ launched: PluginName?, _ configuration: String
    ) async throws {
        defer { newcomers.withLock { $0 -= 1 } }
        try await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.addHandler(PluginHandler(connection))
        }.get()
        try await channel.setOption(.autoRead, value: true).get()
        channel.read()
        let clock = channel.eventLoop.scheduleTask(in: .nanoseconds(settings.registrationLimit.nanoseconds)) {
            connection.close("it did not register within \(self.settings.registrationLimit)")
        }
        let asked = await registration.name()
        clock.cancel()
        guard let name = launched ?? asked else {
            throw PluginFailure.lost(connection.end ?? "it did not register")
        }
        let events = try await configure(connection, configuration)
        let plugin = Plugin(
            index: name.index, name: name.name, events: events, connection: connection, settings: settings)
        try await join(plugin)
        member.set(plugin)
    }

    private func configure(_ connection: PluginConnection, _ configuration: String) async throws -> Int32 {
        var request = NRIConfigureRequest()
        request.config = configuration
        request.runtimeName = settings.runtimeName
        request.runtimeVersion = settings.runtimeVersion
        request.registrationTimeout = settings.registrationLimit.nanoseconds / 1_000_000
        request.requestTimeout = settings.requestLimit.nanoseconds / 1_000_000
        let reply = try await connection.call(
            "Configure", request, limit: settings.requestLimit, as: NRIConfigureResponse.self)
        guard reply.events & ~Plugin.allEvents == 0 else {
            throw PluginFailure.lost("it asks for events that do not exist: \(reply.events)")
        }
        return reply.events == 0 ? Plugin.allEvents : reply.events
    }

    /// A call of the plugin's.
    private func answer(
        _ method: String, _ payload: [UInt8], _ registration: Registration, _ member: Member, isNamed: Bool
    ) async throws -> [UInt8] {
        switch method {
        case "RegisterPlugin":
            let request = try NRIRegisterPluginRequest(serializedBytes: payload)
            let name = PluginName(index: request.pluginIdx, name: request.pluginName)
            guard name != nil || !isNamed else {
                registration.close()
                throw PluginFailure.refused(
                    code: 3, message: "no plugin's name: \(request.pluginIdx)-\(request.pluginName)")
            }
            guard registration.take(name ?? PluginName(file: "00-launched")) else {
                throw PluginFailure.refused(code: 9, message: "registered already")
            }
            return []
        case "UpdateContainers":
            let request = try NRIUpdateContainersRequest(serializedBytes: payload)
            guard let plugin = member.plugin else {
                throw PluginFailure.refused(code: 9, message: "not synchronized yet")
            }
            logger.info("NRI plugin changes containers", metadata: ["plugin": "\(plugin.fullName)"])
            var response = NRIUpdateContainersResponse()
            response.failed = await updateContainers(request.update, from: plugin)
            if !request.evict.isEmpty { await runtime.evict(request.evict) }
            return try response.serializedBytes()
        default: throw PluginFailure.refused(code: 12, message: "method \(method)")
        }
    }
}

/// The plugin that a connection became.
private final class Member: Sendable {
    private let state = Mutex<Plugin?>(nil)

    var plugin: Plugin? { state.withLock { $0 } }

    func set(_ plugin: Plugin) { state.withLock { $0 = plugin } }
}

/// The first call of a plugin, and who waits for it.
private final class Registration: Sendable {
    private enum State {
        case open(CheckedContinuation<PluginName?, Never>?)
        case done(PluginName?)
    }
    private let state = Mutex(State.open(nil))

    /// Takes the name; false when there was one.
    func take(_ name: PluginName?) -> Bool { settle(name) }

    /// Nobody registers any more.
    func close() { _ = settle(nil) }

    private func settle(_ name: PluginName?) -> Bool {
        let (waiter, isFirst): (CheckedContinuation<PluginName?, Never>?, Bool) = state.withLock { state in
            guard case .open(let waiter) = state else { return (nil, false) }
            state = .done(name)
            return (waiter, true)
        }
        waiter?.resume(returning: name)
        return isFirst
    }

    /// Waits for the name; nil when the connection ended before.
    func name() async -> PluginName? {
        await withCheckedContinuation { continuation in
            let known: PluginName?? = state.withLock { state in
                if case .done(let name) = state { return .some(name) }
                state = .open(continuation)
                return nil
            }
            if let known { continuation.resume(returning: known) }
        }
    }
}

extension Duration {
    /// Whole nanoseconds.
    var nanoseconds: Int64 { components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000 }
}
