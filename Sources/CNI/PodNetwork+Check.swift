internal import Linux

extension PodNetwork {
    /// CHECK: throws when the sandbox's network is not as ADD left it; does nothing where the configuration's version
    /// has no CHECK or disables it. Throws ``CNIError``.
    public func check(_ request: PodAttachment) async throws {
        let claim = AttachmentLocks.Claim.sandbox(request.sandboxID)
        try await locks.acquire(claim)
        defer { locks.release(claim) }
        guard var attachment = try await cachedAttachment(request.sandboxID, request.interface) else {
            throw CNIError(.invalidRequest, verb: "CHECK", message: "sandbox \(request.sandboxID) is not attached")
        }
        attachment.netns = request.netns
        if attachment.network.version < .check || attachment.network.disableCheck { return }
        try await runCheck(attachment)
    }

    /// The result of the sandbox's ADD as libcni's cache has it; nil when there is none.
    public func cachedResult(sandboxID: String, interface: String = "eth0") async throws -> NetworkResult? {
        try await cachedAttachment(sandboxID, interface)?.result.map(NetworkResult.init)
    }

    private func cachedAttachment(_ sandboxID: String, _ interface: String) async throws -> Attachment? {
        try await DedicatedThread.run { [cache] in
            for case .attachment(let attachment) in try io("", { try cache.entries(of: sandboxID) })
            // cri-dockerd files the pod's loopback under the same interface.
            where attachment.interface == interface && !attachment.network.isLoopback { return attachment }
            return nil
        }
    }

    /// Whether a namespace still has an address that the sandbox's ADD gave: then something lives in it, whatever its
    /// container engine says.
    public func isInUse(sandboxID: String) async throws -> Bool {
        let entries = try await DedicatedThread.run { [cache] in try io("") { try cache.entries(of: sandboxID) } }
        for case .attachment(let attachment) in entries where !attachment.network.isLoopback {
            guard let result = attachment.result.map(NetworkResult.init) else { continue }
            let given = Set(result.podIPs.compactMap(InterfaceAddress.canonical))
            // The path may be of a process whose number is another's by now; the address tells.
            for path in Set([attachment.netns] + result.interfaces.map(\.sandbox)) {
                guard let netns = await NamespacePath.usable(path) else { continue }
                let present = try? await addresses(netns: netns, interface: attachment.interface)
                if !given.isDisjoint(with: present ?? []) { return true }
            }
        }
        return false
    }

    /// GC: tells the plugins which sandboxes are alive, so that they free what belongs to no other; first tears down
    /// the ``orphans(live:)``. Does nothing more where the configuration's version has no GC or disables it.
    ///
    /// Waits for a moment when no other operation runs, and holds new ones meanwhile. Throws the first ``CNIError``,
    /// when all plugins have been told.
    public func collectGarbage(live: Set<String>) async throws {
        for orphan in try await orphans(live: live) { try await delete(sandboxID: orphan) }
        guard let network = snapshot.network, network.version >= .status, !network.disableGC else { return }
        try await locks.acquire(.everything)
        defer { locks.release(.everything) }
        let valid = try await validAttachments(of: network, live: live)
        // The second name is what libcni wrote by mistake and some plugins came to read.
        let extra = ["cni.dev/valid-attachments", "cni.dev/attachments"].map { JSONValue.Member(key: $0, value: valid) }
        let deadline = ContinuousClock.now + settings.deleteTimeout
        var failure: (any Error)?
        for plugin in network.plugins {
            let call = PluginCall(
                verb: .collect, type: plugin.type, request: plugin.request(network, extra: extra), deadline: deadline)
            do {
                _ = try await call.run(in: settings.pluginDirectories)
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
    }

    private func validAttachments(of network: Network, live: Set<String>) async throws -> JSONValue {
        try await DedicatedThread.run { [cache] in
            let entries = try io("GC") { try cache.entries() }
            return .array(
                entries.compactMap { entry in
                    guard case .attachment(let attachment) = entry, attachment.network.name == network.name,
                        live.contains(attachment.sandboxID)
                    else { return nil }
                    return .object([
                        "containerID": .string(attachment.sandboxID), "ifname": .string(attachment.interface),
                    ])
                })
        }
    }
}
