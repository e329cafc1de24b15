public import CRI
internal import Synchronization

/// What exists now: sandboxes, containers and images, with their list entries already encoded.
///
/// Lists and statuses are answered from here without I/O; the lock is held for dictionary work only. Writers draw a
/// ``Ticket`` before they ask the engine and hand it in with the answer, so that answers may arrive in any order.
public final class World: Sendable {
    struct State: Sendable {
        var sandboxes = Shelf<SandboxRecord>()
        var containers = Shelf<ContainerRecord>()
        var images = Shelf<ImageRecord>()
        var imageNames: [String: String] = [:]
        var ticket: UInt64 = 0
        var known = false
        var subscribers: [UInt64: AsyncStream<ContainerEventResponse>.Continuation] = [:]
        var nextSubscriber: UInt64 = 0
    }

    let state = Mutex(State())

    /// An empty World that nobody has filled yet.
    public init() {}

    /// Whether the engine has been read completely once; before that, absence means nothing.
    public var isKnown: Bool { state.withLock { $0.known } }

    /// Says that everything that exists has been put in.
    public func markKnown() { state.withLock { $0.known = true } }

    /// Draws a ticket: call before asking the engine.
    public func ticket() -> Ticket {
        state.withLock {
            $0.ticket += 1
            return Ticket(number: $0.ticket)
        }
    }

    // MARK: Reading

    /// The sandbox with this id or unique id prefix.
    public func sandbox(_ id: String) -> SandboxRecord? { state.withLock { $0.sandboxes.find(id) } }
    /// The container with this id or unique id prefix.
    public func container(_ id: String) -> ContainerRecord? { state.withLock { $0.containers.find(id) } }
    /// All sandboxes, in no order.
    public var sandboxes: [SandboxRecord] { state.withLock { $0.sandboxes.records } }
    /// All containers, in no order.
    public var containers: [ContainerRecord] { state.withLock { $0.containers.records } }
    /// All images, in no order.
    public var images: [ImageRecord] { state.withLock { $0.images.records } }
    /// The containers of one sandbox, in no order.
    public func containers(in sandboxID: String) -> [ContainerRecord] {
        state.withLock { $0.containers.records.filter { $0.sandboxID == sandboxID } }
    }

    /// `ListPodSandboxResponse` in its encoded form.
    public func sandboxList(_ filter: PodSandboxFilter?) -> EncodedList {
        state.withLock { state in
            guard let filter, filter != PodSandboxFilter() else { return state.sandboxes.list() }
            return state.sandboxes.list { $0.matches(filter) }
        }
    }

    /// `ListContainersResponse` in its encoded form.
    public func containerList(_ filter: ContainerFilter?) -> EncodedList {
        state.withLock { state in
            guard let filter, filter != ContainerFilter() else { return state.containers.list() }
            return state.containers.list { $0.matches(filter) }
        }
    }

    // MARK: Writing

    /// Takes in a reading of a sandbox.
    public func put(_ record: SandboxRecord, _ ticket: Ticket) throws {
        try state.withLock { state in
            guard let (previous, current) = try state.sandboxes.put(record, ticket) else { return }
            guard let kind = Self.event(from: previous?.status.state, to: current.status.state) else { return }
            Self.publish(kind, id: record.id, sandboxID: record.id, &state)
        }
    }

    /// Takes in a reading of a container.
    public func put(_ record: ContainerRecord, _ ticket: Ticket) throws {
        try state.withLock { state in
            guard let (previous, current) = try state.containers.put(record, ticket) else { return }
            for kind in Self.events(from: previous?.status.state, to: current.status.state) {
                Self.publish(kind, id: record.id, sandboxID: record.sandboxID, &state)
            }
        }
    }

    /// Takes in that the sandbox did not exist when `ticket` was drawn.
    public func removeSandbox(_ id: String, _ ticket: Ticket) {
        state.withLock { state in
            guard let record = state.sandboxes.remove(id, ticket) else { return }
            Self.publish(.containerDeletedEvent, id: id, sandboxID: id, gone: record, &state)
        }
    }

    /// Takes in that the container did not exist when `ticket` was drawn.
    public func removeContainer(_ id: String, _ ticket: Ticket) {
        state.withLock { state in
            guard let record = state.containers.remove(id, ticket) else { return }
            Self.publish(.containerDeletedEvent, id: id, sandboxID: record.sandboxID, &state)
        }
    }

    /// What a complete reading begun at `ticket` did not contain although older news had it.
    public func missing(
        sandboxes: Set<String>, containers: Set<String>, _ ticket: Ticket
    ) -> (sandboxes: [String], containers: [String]) {
        state.withLock {
            ($0.sandboxes.missing(from: sandboxes, ticket), $0.containers.missing(from: containers, ticket))
        }
    }
}
