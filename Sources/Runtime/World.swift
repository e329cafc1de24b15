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
        /// Those who wait until it is known; their streams end then.
        var waiting: [AsyncStream<Never>.Continuation] = []
        var parts = 0
        var unknownParts = 0
        /// What each part has of an image, the parts in order.
        var imageParts: [String: [ImageRecord?]] = [:]
        var subscribers: [UInt64: AsyncStream<ContainerEventResponse>.Continuation] = [:]
        var nextSubscriber: UInt64 = 0
    }

    let state = Mutex(State())
    /// What this is a part of; its lock is taken under ours, never the other way.
    let whole: Whole?

    /// The World that has all that its parts have.
    struct Whole: Sendable {
        let world: World
        /// Which of the parts this is, from 0.
        let part: Int
    }

    /// An empty World that nobody has filled yet.
    public init() { whole = nil }

    /// An empty part of another World, which takes in all that this one does, and is known when all its parts are.
    ///
    /// Objects of different parts have different ids; of images that have the same, the whole shows one, with the
    /// names of all, and for the rest as the part that was made first has it.
    public init(partOf world: World) {
        whole = world.state.withLock { state in
            defer { (state.parts, state.unknownParts) = (state.parts + 1, state.unknownParts + 1) }
            return Whole(world: world, part: state.parts)
        }
    }

    /// Whether the engine has been read completely once; before that, absence means nothing.
    public var isKnown: Bool { state.withLock { $0.known } }

    /// Says that everything that exists has been put in.
    public func markKnown() {
        let (isFirst, waiting) = state.withLock { state in
            defer { (state.known, state.waiting) = (true, []) }
            return (!state.known, state.waiting)
        }
        for one in waiting { one.finish() }
        if isFirst { whole?.world.partIsKnown() }
    }

    private func partIsKnown() {
        let isKnown = state.withLock { state in
            state.unknownParts -= 1
            return state.unknownParts == 0
        }
        if isKnown { markKnown() }
    }

    /// Returns as soon as ``isKnown`` is true, and after `limit` in any case.
    public func whenKnown(atMost limit: Duration) async {
        let (stream, continuation) = AsyncStream<Never>.makeStream()
        let isKnown = state.withLock { state in
            if !state.known { state.waiting.append(continuation) }
            return state.known
        }
        if isKnown { return }
        let timer = Task {
            try? await Task.sleep(for: limit)
            continuation.finish()
        }
        for await _ in stream {}
        timer.cancel()
    }

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
            try whole.map { try $0.world.put(record, $0.world.ticket()) }
            guard let kind = Self.event(from: previous?.status.state, to: current.status.state) else { return }
            Self.publish(kind, id: record.id, sandboxID: record.id, &state)
        }
    }

    /// Takes in a reading of a container.
    public func put(_ record: ContainerRecord, _ ticket: Ticket) throws {
        try state.withLock { state in
            guard let (previous, current) = try state.containers.put(record, ticket) else { return }
            try whole.map { try $0.world.put(record, $0.world.ticket()) }
            for kind in Self.events(from: previous?.status.state, to: current.status.state) {
                Self.publish(kind, id: record.id, sandboxID: record.sandboxID, &state)
            }
        }
    }

    /// Takes in that the sandbox did not exist when `ticket` was drawn.
    public func removeSandbox(_ id: String, _ ticket: Ticket) {
        state.withLock { state in
            guard let record = state.sandboxes.remove(id, ticket) else { return }
            whole.map { $0.world.removeSandbox(id, $0.world.ticket()) }
            Self.publish(.containerDeletedEvent, id: id, sandboxID: id, gone: record, &state)
        }
    }

    /// Takes in that the container did not exist when `ticket` was drawn.
    public func removeContainer(_ id: String, _ ticket: Ticket) {
        state.withLock { state in
            guard let record = state.containers.remove(id, ticket) else { return }
            whole.map { $0.world.removeContainer(id, $0.world.ticket()) }
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
