public import CRI
internal import Glibc
internal import Synchronization

extension World {
    /// The change feed of `GetContainerEvents`: every change from now on, until the stream is dropped.
    ///
    /// A subscriber that falls `limit` events behind is dropped, never waited for: its stream ends.
    public func events(limit: Int = 1024) -> AsyncStream<ContainerEventResponse> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: ContainerEventResponse.self, bufferingPolicy: .bufferingOldest(limit))
        let number = state.withLock { state in
            state.nextSubscriber += 1
            state.subscribers[state.nextSubscriber] = continuation
            return state.nextSubscriber
        }
        continuation.onTermination = { [weak self] _ in
            // Not under the lock that the publisher may hold while it drops a slow subscriber.
            guard let self else { return }
            Task { self.unsubscribe(number) }
        }
        return stream
    }

    private func unsubscribe(_ number: UInt64) {
        state.withLock { $0.subscribers[number] = nil }
    }

    /// The event that a sandbox's change of state is, if any.
    static func event(from old: PodSandboxState?, to new: PodSandboxState) -> ContainerEventType? {
        if old == new { return nil }
        if new == .sandboxReady { return .containerStartedEvent }
        return old == nil ? .containerCreatedEvent : .containerStoppedEvent
    }

    /// The events that a container's change of state is, in their order.
    static func events(from old: ContainerState?, to new: ContainerState) -> [ContainerEventType] {
        if old == new { return [] }
        let created: [ContainerEventType] = old == nil ? [.containerCreatedEvent] : []
        switch new {
        case .containerRunning: return created + [.containerStartedEvent]
        case .containerExited: return created + [.containerStoppedEvent]
        default: return created
        }
    }

    /// Hands an event with the pod's statuses to every subscriber.
    static func publish(
        _ kind: ContainerEventType, id: String, sandboxID: String, gone: SandboxRecord? = nil, _ state: inout State
    ) {
        if state.subscribers.isEmpty { return }
        var event = ContainerEventResponse()
        event.containerID = id
        event.containerEventType = kind
        event.createdAt = nanosecondsNow()
        if let sandbox = gone ?? state.sandboxes.find(sandboxID) { event.podSandboxStatus = sandbox.status }
        event.containersStatuses = state.containers.records.filter { $0.sandboxID == sandboxID }.map(\.status)
        for (number, subscriber) in state.subscribers {
            if case .dropped = subscriber.yield(event) {
                state.subscribers[number] = nil
                subscriber.finish()
            }
        }
    }
}

/// The wall clock in nanoseconds since the epoch.
public func nanosecondsNow() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
}
