internal import FoundationEssentials
internal import Glibc
internal import Linux

/// What a migration has changed, kept from before the first change until it is taken back.
///
/// `/var/lib/fender/migration` holds `plan.json` and, in `files`, each changed file as it was (`N.before`) and as it
/// was made (`N.after`). It appears whole, by rename. Every step of a migration may be done twice, so that an
/// interrupted one is gone on with from the start, or taken back.
struct MigrationJournal {
    private static let parent = "/var/lib/fender"
    static let directory = "\(parent)/migration"

    /// `plan.json`.
    struct Record: Codable, Equatable {
        var version = 1
        /// Whether all was done.
        var isApplied = false
        var kind: FormerShim.Kind
        var shimUnits: [String]
        var shimRoot: String
        var socket: String
        var files: [File]
        /// The units that were enabled, and those that ran, before.
        var enabled: [String]
        var active: [String]
        var nodeName: String
        /// The node's annotation before; nil where it had none or nobody could be asked.
        var annotation: String?
        /// Whether taking back was begun.
        var isUndoing = false
        /// Whether it has gone so far that Fender no longer runs.
        var isFenderStopped = false

        var endpoint: String { "unix://\(socket)" }
    }

    struct File: Codable, Equatable {
        var path: String
        var isNew: Bool
        var mode: UInt32
        var owner: UInt32
        var group: UInt32
    }

    private let node: Node
    private(set) var record: Record

    /// The journal of a migration that was begun; nil when there is none.
    init?(on node: Node) throws {
        let path = "\(node.root)\(Self.directory)/plan.json"
        guard Files.exists(path) else { return nil }
        self.node = node
        record = try JSONDecoder().decode(Record.self, from: Data(try Files.read(path)))
        guard record.version == 1 else {
            throw MigrationError("\(path) was written by another version of Fender")
        }
    }

    /// Keeps all that the plan will change.
    init(_ plan: MigrationPlan, enabled: [String], active: [String], annotation: String?, on node: Node) throws {
        self.node = node
        record = Record(
            kind: plan.shim.kind, shimUnits: plan.shim.units, shimRoot: plan.shim.rootDirectory, socket: plan.socket,
            files: plan.changes.map {
                File(
                    path: $0.path, isNew: $0.before == nil, mode: $0.after.mode, owner: $0.after.owner,
                    group: $0.after.group)
            }, enabled: enabled, active: active, nodeName: plan.nodeName, annotation: annotation)
        let whole = node.root + Self.directory
        let partial = whole + ".partial"
        try Self.removeTree(partial)
        try Files.makeDirectories(node.root + Self.parent)
        try Files.makeDirectories("\(partial)/files", mode: 0o700)
        try system("chmod", partial) { chmod(partial, 0o700) }
        for (index, change) in plan.changes.enumerated() {
            if let before = change.before { try Files.replace("\(partial)/files/\(index).before", with: before.bytes) }
            try Files.replace("\(partial)/files/\(index).after", with: change.after.bytes)
        }
        try write(to: partial)
        try Node.flush(directory: "\(partial)/files")
        try Node.flush(directory: partial)
        try system("rename", whole) { rename(partial, whole) }
        try Node.flush(directory: node.root + Self.parent)
    }

    /// Changes the record on disk.
    mutating func update(_ change: (inout Record) -> Void) throws {
        change(&record)
        try write(to: node.root + Self.directory)
        try Node.flush(directory: node.root + Self.directory)
    }

    private func write(to directory: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try Files.replace("\(directory)/plan.json", with: Array(try encoder.encode(record)))
    }

    /// The changed files with what they were and what they became.
    func changes() throws -> [(before: NodeFile?, after: NodeFile)] {
        try record.files.enumerated().map { index, file in
            func kept(_ name: String) throws -> NodeFile {
                NodeFile(
                    path: file.path, bytes: try Files.read("\(node.root)\(Self.directory)/files/\(index).\(name)"),
                    mode: file.mode, owner: file.owner, group: file.group)
            }
            return (file.isNew ? nil : try kept("before"), try kept("after"))
        }
    }

    /// Forgets the migration.
    func remove() throws {
        // Without its plan what is left is nobody's.
        try Files.remove("\(node.root)\(Self.directory)/plan.json")
        try Self.removeTree(node.root + Self.directory)
    }

    private static func removeTree(_ path: String) throws {
        for name in try Files.names(in: "\(path)/files") { try Files.remove("\(path)/files/\(name)") }
        try Files.removeDirectory("\(path)/files")
        for name in try Files.names(in: path) { try Files.remove("\(path)/\(name)") }
        try Files.removeDirectory(path)
    }

    /// Lets one migration run at a time. Throws ``MigrationError`` when another does.
    static func lock(_ node: Node) throws -> Descriptor {
        try Files.makeDirectories(node.root + parent)
        let path = "\(node.root)\(parent)/migration.lock"
        let lock = try Descriptor.open(path, O_RDWR | O_CREAT, mode: 0o600)
        let raw = lock.raw
        do {
            try system("flock", path) { flock(raw, LOCK_EX | LOCK_NB) }
        } catch let error as SystemError where error.code == EWOULDBLOCK {
            throw MigrationError("another fender migrate is at work")
        }
        return lock
    }
}
