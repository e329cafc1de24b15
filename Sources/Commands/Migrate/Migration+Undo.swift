internal import Configuration
internal import FoundationEssentials
internal import Linux

/// The way back.
extension Migration {
    /// Gives the node back to the shim it had. Files that others have changed since are not overwritten, unless forced.
    func undo(_ journal: MigrationJournal, isForced: Bool) async throws {
        let strangers = try journal.changes().filter { change in
            let present = try node.file(change.after.path)?.bytes
            return present != change.after.bytes && present != change.before?.bytes
        }
        if !strangers.isEmpty, !isForced, !journal.record.isUndoing {
            let paths = strangers.map(\.after.path).joined(separator: ", ")
            throw MigrationError(
                "changed since the migration: \(paths). --force puts back what was there before it, and keeps "
                    + "the present text beside it with .fender-saved")
        }
        if isForced { try keep(strangers.map(\.after.path)) }
        try await takeBack(journal)
    }

    private func keep(_ paths: [String]) throws {
        for path in paths {
            guard var file = try node.file(path) else { continue }
            file.path += ".fender-saved"
            try node.write(file)
        }
    }

    /// Does the steps of a migration backwards.
    func takeBack(_ journal: MigrationJournal) async throws {
        var journal = journal
        try journal.update { $0.isUndoing = true }
        let record = journal.record
        try await programs.change(["systemctl", "stop", KubeletFiles.unitName])
        if !record.isFenderStopped {
            if record.isApplied { try await giveLogsBack(record) }
            try await stopFender(record)
            try journal.update { $0.isFenderStopped = true }
        }
        if record.kind == .criDockerd { try leaveCheckpoints(record) }
        for change in try journal.changes() {
            say(change.before == nil ? "remove \(change.after.path)" : "put back \(change.after.path)")
            if let before = change.before { try node.write(before) } else { try node.remove(change.after.path) }
        }
        try await programs.change(["systemctl", "daemon-reload"])
        try await startFormer(record)
        if let annotation = record.annotation, record.isApplied { await annotate(record, annotation) }
        try journal.remove()
    }

    private func stopFender(_ record: MigrationJournal.Record) async throws {
        let isInstalled = try Unit("fender.service", on: node) != nil
        guard isInstalled else { return }
        let (disabled, running) = (
            MigrationPlan.ownUnits.filter { !record.enabled.contains($0) },
            MigrationPlan.ownUnits.filter(record.active.contains)
        )
        try await programs.change(["systemctl", "stop"] + MigrationPlan.ownUnits)
        if !disabled.isEmpty { try await programs.change(["systemctl", "disable"] + disabled) }
        if !running.isEmpty {
            say("\(running.joined(separator: ", ")) ran before the migration; start it if you want it")
        }
    }

    /// The shims write no logs: what Fender wrote becomes links to Docker's own, which it makes when it starts so.
    private func giveLogsBack(_ record: MigrationJournal.Record) async throws {
        let path = FenderConfiguration().file
        guard let settings = try node.file(path) else { return }
        var linking = settings
        let lines = settings.text.split(separator: "\n", omittingEmptySubsequences: false)
            .filter { !$0.hasPrefix("container_logs") }
        linking.bytes = Array((lines.joined(separator: "\n") + "\ncontainer_logs = \"symlink\"\n").utf8)
        try node.write(linking)
        do {
            try await programs.change(["systemctl", "restart", "fender.service"])
            _ = try await podsServed(record.socket)
        } catch {
            // Without them kubectl logs is empty until a container starts again; pods are not touched.
            say("warning: logs stay as they are: \(error)")
        }
        try node.write(settings)
    }

    /// cri-dockerd finds the host ports of pods in checkpoints, also of those that Fender made.
    private func leaveCheckpoints(_ record: MigrationJournal.Record) throws {
        let ours = "\(node.root)\(FenderConfiguration().rootDirectory)/sandbox"
        let theirs = "\(node.root)\(record.shimRoot)/sandbox"
        for name in try Files.names(in: ours) where !name.hasPrefix(".") && !Files.exists("\(theirs)/\(name)") {
            try Files.makeDirectories(theirs)
            try Files.replace("\(theirs)/\(name)", with: try Files.read("\(ours)/\(name)"), mode: 0o644)
        }
    }

    private func startFormer(_ record: MigrationJournal.Record) async throws {
        let enabled = record.shimUnits.filter(record.enabled.contains)
        if !enabled.isEmpty { try await programs.change(["systemctl", "enable"] + enabled) }
        // The socket first: the service takes it over.
        for unit in record.shimUnits.reversed() where record.active.contains(unit) {
            try await programs.change(["systemctl", "start", unit])
        }
        if record.active.contains(KubeletFiles.unitName) {
            try await programs.change(["systemctl", "start", KubeletFiles.unitName])
        }
    }
}
