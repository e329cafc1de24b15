internal import Logging
internal import SwiftProtobuf
internal import Synchronization

/// A plugin that has joined.
final class Plugin: Sendable {
    /// `NN-NAME`: what plugins are ordered by and called in messages.
    let fullName: String
    let index: String
    let name: String
    let connection: PluginConnection
    private let settings: NRISettings
    /// Bit N-1 for event N.
    private let events: Int32
    /// Events for which it has no call of their own, only `StateChange`.
    private let old = Mutex<Set<Int>>([])

    /// Every event there is.
    static let allEvents = Int32(1 << (NRIEvent.allCases.count - 1)) - 1

    init(index: String, name: String, events: Int32, connection: PluginConnection, settings: NRISettings) {
        self.index = index
        self.name = name
        fullName = "\(index)-\(name)"
        self.events = events
        self.connection = connection
        self.settings = settings
    }

    /// Whether it asked for the event.
    func wants(_ event: NRIEvent) -> Bool { event.rawValue > 0 && events & (1 << (event.rawValue - 1)) != 0 }

    /// Asks it; nil when it is lost, which is logged and harms nobody. Throws ``NRIError`` when it refuses.
    func ask<Request: Message, Reply: Message>(
        _ method: String, _ request: Request, as: Reply.Type = Reply.self
    ) async throws -> Reply? {
        do {
            return try await call(method, request, limit: settings.requestLimit)
        } catch PluginFailure.lost {
            return nil
        } catch {
            throw NRIError(description: "plugin \(fullName): \(error)")
        }
    }

    /// Tells it of an event, in the way that it understands. Throws ``NRIError`` when it refuses.
    func tell<Request: Message>(_ event: NRIEvent, _ request: Request, _ change: NRIStateChangeEvent) async throws {
        let isOld = old.withLock { $0.contains(event.rawValue) }
        do {
            if !isOld {
                _ = try await call(event.method, request, limit: settings.requestLimit, as: NRIEmpty.self)
                return
            }
        } catch PluginFailure.refused(12, _) {
            // Plugins of before NRI 0.11.
            old.withLock { _ = $0.insert(event.rawValue) }
        } catch PluginFailure.lost {
            return
        } catch {
            throw NRIError(description: "plugin \(fullName): \(error)")
        }
        _ = try await ask("StateChange", change, as: NRIEmpty.self)
    }

    /// Tells it what exists, in parts that fit in messages. Throws ``PluginFailure``.
    func synchronize(_ pods: [NRIPodSandbox], _ containers: [NRIContainer]) async throws -> [NRIContainerUpdate] {
        for part in try SynchronizeParts.of(pods, containers) {
            let reply = try await call(
                "Synchronize", part, limit: settings.registrationLimit, as: NRISynchronizeResponse.self)
            if !part.more { return reply.update }
            guard reply.more, reply.update.isEmpty else {
                connection.close("Synchronize: it does not take what exists in parts")
                throw PluginFailure.lost("it does not take what exists in parts")
            }
        }
        return []
    }

    private func call<Request: Message, Reply: Message>(
        _ method: String, _ request: Request, limit: Duration, as: Reply.Type = Reply.self
    ) async throws -> Reply {
        let start = ContinuousClock.now
        do {
            let reply = try await connection.call(method, request, limit: limit, as: Reply.self)
            settings.observer(PluginCall(method: method, duration: start.duration(to: .now), failed: false))
            return reply
        } catch {
            settings.observer(PluginCall(method: method, duration: start.duration(to: .now), failed: true))
            throw error
        }
    }
}

/// What exists, cut into messages.
enum SynchronizeParts {
    /// Bytes of pods and containers in a message; the envelope needs room too.
    static let limit = TTRPCFrame.dataLimit - (64 << 10)

    static func of(
        _ pods: [NRIPodSandbox], _ containers: [NRIContainer], limit: Int = limit
    ) throws -> [NRISynchronizeRequest] {
        var parts = [NRISynchronizeRequest()]
        var size = 0
        func makeRoom(for message: any Message) throws {
            // And a tag with a length.
            let encoded: [UInt8] = try message.serializedBytes()
            let bytes = encoded.count + 6
            if size + bytes > limit && size > 0 {
                parts[parts.count - 1].more = true
                parts.append(NRISynchronizeRequest())
                size = 0
            }
            size += bytes
        }
        for pod in pods {
            try makeRoom(for: pod)
            parts[parts.count - 1].pods.append(pod)
        }
        for container in containers {
            try makeRoom(for: container)
            parts[parts.count - 1].containers.append(container)
        }
        return parts
    }
}

extension NRIEvent {
    /// The method of the plugin's service that is for this event.
    var method: String {
        switch self {
        case .runPodSandbox: "RunPodSandbox"
        case .updatePodSandbox: "UpdatePodSandbox"
        case .postUpdatePodSandbox: "PostUpdatePodSandbox"
        case .stopPodSandbox: "StopPodSandbox"
        case .removePodSandbox: "RemovePodSandbox"
        case .createContainer: "CreateContainer"
        case .postCreateContainer: "PostCreateContainer"
        case .startContainer: "StartContainer"
        case .postStartContainer: "PostStartContainer"
        case .updateContainer: "UpdateContainer"
        case .postUpdateContainer: "PostUpdateContainer"
        case .stopContainer: "StopContainer"
        case .removeContainer: "RemoveContainer"
        case .validateContainerAdjustment: "ValidateContainerAdjustment"
        case .unknown, .UNRECOGNIZED: "StateChange"
        }
    }
}
