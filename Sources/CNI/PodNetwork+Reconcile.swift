internal import Linux

/// An operation that the journal holds: it was begun, and nobody has said that it ended.
public struct PendingOperation: Sendable, Equatable {
    /// What was being done.
    public enum Verb: String, Sendable {
        /// An ADD: the sandbox may hold an address or not.
        case add = "ADD"
        /// A DEL: it has to be done again.
        case delete = "DEL"
    }
    /// What was being done.
    public var verb: Verb
    /// Whose network it is.
    public var sandboxID: String
    /// The network's name; empty when the journal cannot tell.
    public var network: String
}

extension PodNetwork {
    /// What is under way or what a crash left half done, oldest first.
    public func pending() async throws -> [PendingOperation] {
        try await DedicatedThread.run { [journal] in
            try io("") { try journal.records() }.map { record in
                PendingOperation(
                    verb: record.verb, sandboxID: record.sandboxID,
                    network: record.attachments.first?.network.name ?? "")
            }
        }
    }

    /// The sandboxes that libcni's cache knows and `live` does not: their addresses are still taken.
    ///
    /// The cache may be shared with another container engine's runtime: `live` must then name its sandboxes too.
    public func orphans(live: Set<String>) async throws -> [String] {
        try await DedicatedThread.run { [cache] in
            let known = Set(try io("") { try cache.entries() }.map(\.sandboxID))
            return known.subtracting(live).sorted()
        }
    }

    /// Ends what is pending and tears down what is orphaned, given the sandboxes that live; for the owner's start,
    /// before it attaches anything.
    ///
    /// - Parameter namespaces: the network namespaces of live sandboxes by id. What is pending for a live sandbox
    ///   without one stays pending: to free the address of a pod that may still use it would let it be given out twice.
    ///   An ADD whose result is in the cache was complete, and stays.
    /// - Returns: the sandboxes that could not be cleaned, with the reason; a later call or ``delete(_:)`` tries again.
    public func reconcile(live: Set<String>, namespaces: [String: String] = [:]) async -> [String: any Error] {
        var failures: [String: any Error] = [:]
        var dirty: [String] = []
        do {
            for operation in try await pending() {
                if try await settled(operation, live: live) { continue }
                if live.contains(operation.sandboxID) && namespaces[operation.sandboxID] == nil { continue }
                dirty.append(operation.sandboxID)
            }
            for orphan in try await orphans(live: live) where !dirty.contains(orphan) { dirty.append(orphan) }
        } catch {
            failures[""] = error
        }
        await withTaskGroup(of: (String, (any Error)?).self) { group in
            var waiting = dirty[...]
            func next() {
                guard let sandboxID = waiting.popFirst() else { return }
                group.addTask { (sandboxID, await self.cleaned(sandboxID, namespaces[sandboxID] ?? "")) }
            }
            for _ in 0..<4 { next() }
            for await (sandboxID, error) in group {
                failures[sandboxID] = error
                next()
            }
        }
        return failures
    }

    private func cleaned(_ sandboxID: String, _ netns: String) async -> (any Error)? {
        do {
            try await delete(sandboxID: sandboxID, netns: netns)
            return nil
        } catch {
            return error
        }
    }

    /// Whether a pending ADD of a live sandbox was complete but for its journal entry, which then goes.
    private func settled(_ operation: PendingOperation, live: Set<String>) async throws -> Bool {
        guard operation.verb == .add, live.contains(operation.sandboxID) else { return false }
        return try await DedicatedThread.run { [cache, journal] in
            try io("") {
                let isCached = try cache.entries(of: operation.sandboxID).contains { entry in
                    if case .attachment(let attachment) = entry { attachment.result != nil } else { false }
                }
                if isCached { try journal.end(operation.sandboxID) }
                return isCached
            }
        }
    }
}
