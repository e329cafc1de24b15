internal import CRI
internal import Configuration
internal import Linux
internal import RPC

/// Changes a node over to Fender, and back. Each step may be done again.
struct Migration {
    let node: Node
    let programs: NodePrograms
    /// How long Fender may take until it serves.
    var patience = Duration.seconds(60)
    let say: @Sendable (String) -> Void

    /// Begins what the plan says. When a step fails, all is taken back and the failure thrown.
    func apply(_ plan: MigrationPlan) async throws {
        let units = [KubeletFiles.unitName] + plan.shim.units + MigrationPlan.ownUnits
        var (enabled, active): ([String], [String]) = ([], [])
        for unit in units {
            if try await programs.says(["systemctl", "is-enabled", "--quiet", unit]) { enabled.append(unit) }
            if try await programs.says(["systemctl", "is-active", "--quiet", unit]) { active.append(unit) }
        }
        let journal = try MigrationJournal(
            plan, enabled: enabled, active: active, annotation: await annotation(of: plan.nodeName), on: node)
        say("the files as they were are in \(MigrationJournal.directory)")
        try await goOn(journal)
    }

    /// Does all that a journal says, whatever of it is done already.
    func goOn(_ journal: MigrationJournal) async throws {
        var journal = journal
        do {
            try await doSteps(journal.record, try journal.changes().map(\.after))
            try journal.update { $0.isApplied = true }
        } catch {
            say("\(error): taking back what was done")
            do {
                try await takeBack(journal)
            } catch let second {
                throw MigrationError("\(error); and taking it back: \(second). Mend that, then --undo")
            }
            throw MigrationError("\(error). All is as it was before")
        }
        await annotate(journal.record, journal.record.endpoint)
    }

    private func doSteps(_ record: MigrationJournal.Record, _ files: [NodeFile]) async throws {
        try await programs.change(["systemctl", "stop", KubeletFiles.unitName])
        if !record.shimUnits.isEmpty {
            try await programs.change(["systemctl", "disable", "--now"] + record.shimUnits)
        }
        for file in files {
            say("write \(file.path)")
            try node.write(file)
        }
        try await programs.change(["systemctl", "daemon-reload"])
        if record.active.contains("fender.service") {
            try await programs.change(["systemctl", "stop", "fender.service"])
        }
        try await programs.change(["systemctl", "enable", "--now"] + MigrationPlan.ownUnits)
        let count = try await podsServed(record.socket)
        say("Fender serves \(count) pods")
        // A kubelet that was at rest is left so.
        if record.active.contains(KubeletFiles.unitName) {
            try await programs.change(["systemctl", "start", KubeletFiles.unitName])
        }
    }

    /// Waits until Fender has read what is on Docker, and counts its pods. Throws ``MigrationError`` when it takes too long.
    func podsServed(_ socket: String) async throws -> Int {
        let deadline = ContinuousClock.now + patience
        let client = try Client(node.root + socket)
        let connection = CRIConnection(client: client, timeout: .seconds(10))
        while true {
            do {
                let count = try await connection.sandboxes().count { $0.state == .sandboxReady }
                await client.close()
                return count
            } catch {
                guard ContinuousClock.now < deadline else {
                    await client.close()
                    throw MigrationError("Fender does not serve at \(socket): \(error); see journalctl -u fender")
                }
                // It is another process, and tells nobody when it is ready.
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    // MARK: The annotation

    /// nil where kubeadm did not make the node, it has none, or nobody could be asked.
    private func annotation(of name: String) async -> String? {
        guard node.exists(Annotation.kubeconfig), programs.path(of: "kubectl") != nil else { return nil }
        guard let text = try? await programs.output(Annotation.question(name), seconds: 20) else { return nil }
        return text.isEmpty ? nil : text
    }

    /// What fails here does no harm to pods: it is said, with the command.
    func annotate(_ record: MigrationJournal.Record, _ endpoint: String) async {
        guard node.exists(Annotation.kubeconfig) else { return }
        let command = Annotation.command(record.nodeName, endpoint)
        do {
            try await programs.change(command)
        } catch {
            let line = command.map(Shell.word).joined(separator: " ")
            say("warning: \(error). kubeadm wants the annotation at its next upgrade: \(line)")
        }
    }
}
