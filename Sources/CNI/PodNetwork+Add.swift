internal import Glibc
internal import Linux
internal import Logging
internal import Synchronization

extension PodNetwork {
    /// ADD: attaches a sandbox to the network, brings its loopback up, and keeps the result in libcni's cache.
    ///
    /// A failed ADD has been followed by DEL when this throws. A cancelled one kills the plugin and throws at once;
    /// its DEL goes on by itself, and later calls for the sandbox wait for it.
    /// Throws ``CNIError``, or `CancellationError`.
    public func add(_ request: PodAttachment) async throws -> NetworkResult {
        guard let network = snapshot.network else {
            throw CNIError(.noNetwork, verb: "ADD", message: missingNetworkMessage)
        }
        var attachment = try Attachment(request, to: network, podCIDRs: podCIDRs)
        let claim = AttachmentLocks.Claim.sandbox(attachment.sandboxID)
        try await locks.acquire(claim)
        let heir: Command.Heir
        do {
            try await prepare(attachment)
            heir = try await begin(.add, [attachment], sandboxID: attachment.sandboxID)
        } catch {
            locks.release(claim)
            throw error
        }
        do {
            let result = try await runAdd(attachment, heir: heir)
            attachment.result = result
            try await keep(attachment)
            locks.release(claim)
            return NetworkResult(result)
        } catch {
            // Not a child of this task: the undoing must not be cancelled with it.
            let undoing = Task { [attachment] in
                await undo(attachment)
                locks.release(claim)
            }
            if !Task.isCancelled { await undoing.value }
            throw error
        }
    }

    var missingNetworkMessage: String {
        let rejected = snapshot.rejected.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        let reasons = rejected.isEmpty ? "" : " (\(rejected.joined(separator: "; ")))"
        return "no network configuration in \(settings.configurationDirectory)\(reasons)"
    }

    /// Makes the namespace ready, and undoes what an earlier attempt for the same sandbox left.
    private func prepare(_ attachment: Attachment) async throws {
        let namespace = try await foreignNamespace(attachment.netns, verb: "ADD")
        do {
            try await namespace.bringLoopbackUp()
        } catch let error as SystemError {
            throw CNIError(.io, verb: "ADD", message: "cannot bring lo up: \(error)")
        }
        let teardown = try await teardown(sandboxID: attachment.sandboxID, request: nil)
        if !teardown.isEmpty { try await carryOut(teardown, netns: attachment.netns) }
        state.withLock { state in
            state.tornDown.remove(attachment.sandboxID)
            state.held[attachment.sandboxID] = namespace
        }
    }

    private func keep(_ attachment: Attachment) async throws {
        try await DedicatedThread.run { [cache, journal] in
            try io("ADD") {
                try cache.store(attachment)
                try journal.end(attachment.sandboxID)
            }
        }
    }

    private func undo(_ attachment: Attachment) async {
        do {
            try await carryOut(Teardown(attachments: [attachment], bare: []), netns: attachment.netns)
        } catch {
            // The journal keeps it: the next DEL, or the next start, tries again.
            logger.warning(
                "cannot undo a failed ADD",
                metadata: ["sandbox": "\(attachment.sandboxID)", "error": "\(error)"])
        }
    }

    /// Journals an operation; the answer is what its plugins inherit.
    func begin(
        _ verb: PendingOperation.Verb, _ attachments: [Attachment], sandboxID: String
    ) async throws -> Command.Heir {
        try await DedicatedThread.run { [journal] in
            try io(verb.rawValue) {
                try journal.begin(
                    AttachmentJournal.Record(
                        verb: verb, sandboxID: sandboxID, started: time(nil), attachments: attachments))
            }
        }
    }
}

/// Runs file work, whose failures become CNIErrors.
func io<Value>(_ verb: String, _ body: () throws -> Value) throws -> Value {
    do {
        return try body()
    } catch let error as SystemError {
        throw CNIError(.io, verb: verb, message: "\(error)")
    }
}
