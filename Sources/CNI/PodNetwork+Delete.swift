internal import Glibc
internal import Linux
internal import Logging
internal import Synchronization

extension PodNetwork {
    /// DEL: frees all that ADD gave, with the configuration that ADD used, whatever the directory holds now.
    ///
    /// Repeating it is fine, and so is a namespace that is gone: `request.netns` is then empty or leads nowhere.
    /// Never pass the path of a process that may have ended: its number may be another's by now.
    /// Goes on to its end when the caller's task is cancelled. Throws ``CNIError``.
    public func delete(_ request: PodAttachment) async throws {
        try await Task { try await deleteToTheEnd(request.sandboxID, request) }.value
    }

    /// DEL for a sandbox of which only the id is known, from what the journal and the cache say of it.
    public func delete(sandboxID: String, netns: String = "") async throws {
        try await Task { try await deleteToTheEnd(sandboxID, nil, netns: netns) }.value
    }

    private func deleteToTheEnd(_ sandboxID: String, _ request: PodAttachment?, netns: String = "") async throws {
        guard Identifier.isValid(sandboxID) else {
            throw CNIError(.invalidRequest, verb: "DEL", message: "sandbox id \"\(sandboxID)\" is not allowed")
        }
        let claim = AttachmentLocks.Claim.sandbox(sandboxID)
        try await locks.acquire(claim)
        defer { locks.release(claim) }
        let teardown = try await teardown(sandboxID: sandboxID, request: request)
        if !teardown.isEmpty { try await carryOut(teardown, netns: request?.netns ?? netns) }
        state.withLock { state in
            state.held[sandboxID] = nil
            // Forgetting costs no more than a DEL too many.
            if state.tornDown.count > 4096 { state.tornDown.removeAll() }
            state.tornDown.insert(sandboxID)
        }
    }

    /// What is to be undone for one sandbox.
    struct Teardown: Sendable {
        var attachments: [Attachment]
        /// Cache files that are no attachment of their own; removed with the rest.
        var bare: [String]
        var hasRecord = false
        var sandboxID = ""

        var isEmpty: Bool { attachments.isEmpty && bare.isEmpty && !hasRecord }
    }

    /// Collects it: from the cache, from the journal, and where both are silent from the present configuration.
    ///
    /// Waits for plugins that an earlier daemon left running on the sandbox.
    func teardown(sandboxID: String, request: PodAttachment?) async throws -> Teardown {
        let (isKnownGone, current) = state.withLock { ($0.tornDown.contains(sandboxID), $0.snapshot.network) }
        let podCIDRs = podCIDRs
        return try await DedicatedThread.run { [self] in
            let record = journal.record(of: sandboxID)
            if let record { try waitForPlugins(of: record) }
            var teardown = Teardown(attachments: [], bare: [], hasRecord: record != nil, sandboxID: sandboxID)
            var results: [JSONValue] = []
            for entry in try io("DEL", { try cache.entries(of: sandboxID) }) {
                switch entry {
                case .attachment(let attachment): teardown.attachments.append(attachment)
                case .bare(let name, _, let result):
                    teardown.bare.append(name)
                    if let result { results.append(result) }
                }
            }
            for attachment in record?.attachments ?? [] where !teardown.covers(attachment) {
                teardown.attachments.append(attachment)
            }
            if teardown.attachments.isEmpty {
                teardown = try guessed(
                    teardown, results, request, isKnownGone ? nil : current, podCIDRs: podCIDRs)
            }
            return teardown
        }
    }

    /// Adds an attachment to the present network when nothing says which it was.
    private func guessed(
        _ teardown: Teardown, _ results: [JSONValue], _ request: PodAttachment?, _ current: Network?,
        podCIDRs: [String]
    ) throws -> Teardown {
        var teardown = teardown
        let isKnown = !teardown.bare.isEmpty || teardown.hasRecord
        guard request != nil || isKnown else { return teardown }
        guard let current else {
            if isKnown {
                logger.warning(
                    "no configuration to tear a sandbox down with", metadata: ["sandbox": "\(teardown.sandboxID)"])
            }
            // The files stay, so that it is found again when there is a network.
            return Teardown(attachments: [], bare: [])
        }
        let request =
            request
            ?? PodAttachment(sandboxID: teardown.sandboxID, netns: "", podName: "", podNamespace: "", podUID: "")
        var attachment = try Attachment(request, to: current, podCIDRs: podCIDRs)
        // An old cache has one file a network; the one with addresses is the pod's, not the loopback's.
        attachment.result = results.first { result in
            NetworkResult(result).podIPs.contains { !["127.0.0.1", "::1"].contains($0) }
        }.flatMap { $0.asResult(of: current) }
        teardown.attachments = [attachment]
        return teardown
    }

    /// Runs DEL for each attachment, then forgets them.
    func carryOut(_ teardown: Teardown, netns: String) async throws {
        let sandboxID = teardown.attachments.first?.sandboxID ?? teardown.sandboxID
        let heir = await beginDelete(teardown.attachments, sandboxID: sandboxID)
        let held = state.withLock { $0.held[sandboxID] }
        let given = await NamespacePath.usable(netns) ?? held?.path
        let deadline = ContinuousClock.now + settings.deleteTimeout
        for var attachment in teardown.attachments {
            // A path under /proc is a process's, which may be another by now; a pinned namespace stays itself.
            let pinned = attachment.netns.hasPrefix("/proc/") ? "" : attachment.netns
            // The empty path tells plugins that the namespace is gone.
            if let given {
                attachment.netns = given
            } else {
                attachment.netns = await NamespacePath.usable(pinned) ?? ""
            }
            do {
                try await runDelete(attachment, deadline: deadline, heir: heir)
            } catch let error where attachment.network.isLoopback {
                logger.debug("DEL of a loopback", metadata: ["sandbox": "\(sandboxID)", "error": "\(error)"])
            }
        }
        try await DedicatedThread.run { [cache, journal] in
            try io("DEL") {
                for attachment in teardown.attachments { try cache.remove(attachment) }
                for name in teardown.bare { try cache.remove(bare: name) }
                try journal.end(sandboxID)
            }
        }
        // Its path had to be good until here.
        withExtendedLifetime(held) {}
    }

    /// Journals a DEL if that can be done: on a full disk addresses must come free all the same, and the cache or the
    /// record of the ADD still tells of them.
    private func beginDelete(_ attachments: [Attachment], sandboxID: String) async -> Command.Heir? {
        do {
            return try await begin(.delete, attachments, sandboxID: sandboxID)
        } catch {
            logger.warning("cannot journal a DEL", metadata: ["sandbox": "\(sandboxID)", "error": "\(error)"])
            return nil
        }
    }

    /// Plugins of a daemon that was killed go on without it; two must not work on one sandbox.
    private func waitForPlugins(of record: AttachmentJournal.Record) throws {
        let left = settings.addTimeout - .seconds(max(0, time(nil) - record.started))
        let patience = min(max(left, .zero), settings.deleteTimeout)
        let ended = try io("DEL") { try journal.waitForHeirs(record, until: .now + patience) }
        // Past every deadline it is no plugin but something that one left behind, and holds up nobody.
        guard ended || left <= settings.deleteTimeout else {
            throw CNIError(.timedOut, verb: "DEL", message: "plugins of an earlier \(record.verb.rawValue) still run")
        }
    }
}

extension PodNetwork.Teardown {
    fileprivate func covers(_ attachment: Attachment) -> Bool {
        attachments.contains { $0.network.name == attachment.network.name && $0.interface == attachment.interface }
    }
}

extension JSONValue {
    /// A result that the present configuration's plugins can read, which accept their own version only; nil when the
    /// forms differ. From 0.3.0 on they agree in all that plugins look at.
    fileprivate func asResult(of network: Network) -> JSONValue? {
        guard let version = self["cniVersion"]?.string.flatMap(CNIVersion.init), version >= .interfaces,
            network.version >= .interfaces
        else { return nil }
        var result = self
        result["cniVersion"] = .string(network.cniVersion)
        return result
    }
}

/// Which namespace a DEL may be pointed at.
enum NamespacePath {
    /// The path if it leads to a namespace that is not the host's. A plugin pointed at the host's namespace would take
    /// the host's interface away.
    static func usable(_ path: String) async -> String? {
        guard !path.isEmpty else { return nil }
        let isForeign = try? await DedicatedThread.run { try !NetworkNamespace(path: path).isOwn() }
        return isForeign == true ? path : nil
    }
}
