internal import Glibc
internal import Linux

/// What is being done to which sandbox: one file each, written before the first plugin runs and removed after the last.
///
/// The file is locked, and the plugins inherit the lock: a later daemon can tell whether plugins of an earlier one
/// still run. Blocks; call from a thread of its own.
struct AttachmentJournal: Sendable {
    let directory: String

    /// A journalled operation.
    struct Record: Sendable {
        var verb: PendingOperation.Verb
        var sandboxID: String
        /// When it began, in seconds since 1970.
        var started: Int
        var attachments: [Attachment]
    }

    private func path(_ sandboxID: String) -> String { "\(directory)/\(sandboxID).json" }

    /// Writes the record; answers the lock, which plugins inherit.
    func begin(_ record: Record) throws -> Command.Heir {
        try Files.makeDirectories(directory, mode: 0o700)
        let path = path(record.sandboxID)
        try Files.replace(path, with: record.document.bytes, mode: 0o600)
        let file = try Descriptor.open(path, O_RDONLY)
        let raw = file.raw
        try system("flock", path) { flock(raw, LOCK_EX | LOCK_NB) }
        return Command.Heir(file)
    }

    /// The operation is over.
    func end(_ sandboxID: String) throws {
        try Files.remove(path(sandboxID))
    }

    /// The record of a sandbox; nil when there is none, or it cannot be read.
    func record(of sandboxID: String) -> Record? {
        guard let bytes = try? NetworkSnapshot.read(path(sandboxID)),
            let document = try? JSONValue(parsing: bytes)
        else { return nil }
        return Record(document, sandboxID: sandboxID)
    }

    /// Every sandbox with a record, oldest first.
    func records() throws -> [Record] {
        let suffix = ".json"
        let names = try Files.names(in: directory).filter { $0.hasSuffix(suffix) && !$0.hasPrefix(".") }
        let found = names.compactMap { name in
            let sandboxID = String(name.dropLast(suffix.count))
            // A record that was never written whole began nothing, for it is renamed into place; one damaged
            // otherwise is still a sandbox to clean.
            return Identifier.isValid(sandboxID)
                ? record(of: sandboxID)
                    ?? Record(verb: .delete, sandboxID: sandboxID, started: 0, attachments: [])
                : nil
        }
        return found.sorted { ($0.started, $0.sandboxID) < ($1.started, $1.sandboxID) }
    }

    /// Waits until no plugin of the recorded operation runs any more; answers whether that is so. Blocks the thread.
    func waitForHeirs(_ record: Record, until deadline: ContinuousClock.Instant) throws -> Bool {
        let path = path(record.sandboxID)
        let wake = try WakeEvent()
        while true {
            guard let file = try? Descriptor.open(path, O_RDONLY) else { return true }
            let raw = file.raw
            // The lock goes with the last close of the file as the plugins hold it, and inotify tells of that.
            let watch = try FileWatch([path], events: FileWatch.closeEvents)
            if flock(raw, LOCK_EX | LOCK_NB) == 0 { return true }
            let left = (deadline - .now).components
            let milliseconds = left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000
            if milliseconds <= 0 { return false }
            _ = watch.wait(wake, milliseconds: CInt(clamping: milliseconds))
        }
    }
}

extension AttachmentJournal.Record {
    fileprivate var document: JSONValue {
        .object([
            "kind": .string("fenderNetworkJournalV1"), "verb": .string(verb.rawValue),
            "sandboxId": .string(sandboxID), "started": .integer(started),
            "attachments": .array(attachments.map { $0.document() }),
        ])
    }

    fileprivate init?(_ document: JSONValue, sandboxID: String) {
        guard let verb = document["verb"]?.string.flatMap(PendingOperation.Verb.init(rawValue:)) else { return nil }
        self.verb = verb
        self.sandboxID = sandboxID
        started = document["started"]?.integer ?? 0
        attachments = (document["attachments"]?.array ?? []).compactMap { try? Attachment(document: $0) }
            .filter { $0.sandboxID == sandboxID }
    }
}
