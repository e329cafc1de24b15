public import ArgumentParser
public import Configuration
internal import FoundationEssentials
internal import Linux
internal import RPC

extension DefaultBackEnd: ExpressibleByArgument {}

/// `fender migrate`: a node of dockershim or cri-dockerd changes over to Fender.
public struct MigrateCommand: AsyncParsableCommand {
    /// What `--help` says.
    public static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Change this node over from dockershim or cri-dockerd, with its pods, or from Docker to native.",
        discussion: """
            Without an option it shows what it would do. Pods run on, with their addresses and connections. What \
            changes is kept in \(MigrationJournal.directory) until --undo.

            With --to a node that Fender serves goes on to the other back end: --apply sends new pods there, and \
            --drain-by-pod also ends those that there are, one after the other; the kubelet makes each anew, from the \
            images that Docker has. Those that name a runtime handler stay.
            """)

    @Flag(help: "Do it.")
    var apply = false

    @Flag(help: "Take it back.")
    var undo = false

    @Flag(help: "With --undo: also where files were changed since.")
    var force = false

    @Flag(help: "Print the plan as JSON.")
    var json = false

    @Option(help: "The back end to move to: native, or docker for the way back.")
    var to: DefaultBackEnd?

    @Flag(help: "With --to: do it, and move the pods one at a time.")
    var drainByPod = false

    @Option(help: "With --to: Fender's socket. (default: the one that the settings name)")
    var endpoint: String?

    @Option(help: "The kubelet's version, as 1.27. (default: what it says itself)")
    var kubeletVersion: String?

    @Option(help: "Seconds that Fender may take until it serves, and a pod to come back.")
    var timeout = 60

    @Option(help: "The directory that holds the node's files.")
    var root = ""

    /// A command with no argument given.
    public init() {}

    /// Throws ``ValidationError`` for options that do not go together.
    public func validate() throws {
        if apply && undo { throw ValidationError("--apply and --undo are opposites") }
        if force && !undo { throw ValidationError("--force goes with --undo") }
        if json && (apply || undo || to != nil) { throw ValidationError("--json goes with the plan alone") }
        if to != nil && undo { throw ValidationError("--undo goes without --to; the way back is --to docker") }
        if to == nil && (drainByPod || endpoint != nil) {
            throw ValidationError("--drain-by-pod and --endpoint go with --to")
        }
        if let kubeletVersion, KubeletVersion(kubeletVersion) == nil {
            throw ValidationError("--kubelet-version: \(kubeletVersion) is no version such as 1.27")
        }
    }

    /// Shows the plan, does it, or takes it back.
    public func run() async throws {
        var node = Node()
        node.root = root.hasSuffix("/") ? String(root.dropLast()) : root
        let say: @Sendable (String) -> Void = { print($0) }
        let programs = NodePrograms(announce: say)
        if let to { return try await move(to, node, programs, say) }
        let migration = Migration(
            node: node, programs: programs, patience: .seconds(timeout), say: say)
        guard apply || undo else { return try await show(node, programs) }
        let lock = try MigrationJournal.lock(node)
        let journal = try MigrationJournal(on: node)
        if undo {
            guard let journal else { throw MigrationError("there is nothing to take back: this node was not migrated") }
            try await migration.undo(journal, isForced: force)
            say("done: the node is as it was before")
        } else if let journal, journal.record.isUndoing {
            throw MigrationError(Self.halfWayBack)
        } else if let journal, !journal.record.isApplied {
            say("going on with a migration that was interrupted")
            try await migration.goOn(journal)
            say("done")
        } else {
            guard let plan = try await plan(node, programs) else { return say("this node is migrated already") }
            if journal != nil { throw MigrationError(Self.again) }
            try await migration.apply(plan)
            say("done; fender migrate --undo takes it back")
        }
        _ = consume lock
    }

    private func move(
        _ target: DefaultBackEnd, _ node: Node, _ programs: NodePrograms, _ say: @escaping @Sendable (String) -> Void
    ) async throws {
        let client = try Client(try ConnectionOptions.socket(endpoint))
        let move = BackEndMove(
            target: target, node: node, programs: programs, settingsFile: FenderConfiguration().file, client: client,
            patience: .seconds(timeout), say: say)
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await carryOut(move)) } catch { outcome = .failure(error) }
        await client.close()
        try outcome.get()
    }

    private func carryOut(_ move: BackEndMove) async throws {
        guard apply || drainByPod else { return try await move.show() }
        let lock = try MigrationJournal.lock(move.node)
        try await move.changeDefault()
        if drainByPod { try await move.drain() }
        move.say("done")
        _ = consume lock
    }

    private static let again = """
        this node was migrated, and its files were changed since, see fender migrate. Take the migration back first \
        (--undo), or remove \(MigrationJournal.directory) if there is no way back to be
        """

    private static let halfWayBack = "taking a migration back was interrupted: --undo goes on with it"

    private func show(_ node: Node, _ programs: NodePrograms) async throws {
        let journal = try MigrationJournal(on: node)
        if journal?.record.isUndoing ?? false { throw MigrationError(Self.halfWayBack) }
        if let journal, !journal.record.isApplied {
            throw MigrationError("a migration was interrupted: --apply goes on with it, --undo takes it back")
        }
        let plan = try await plan(node, programs)
        guard json else {
            return print(plan?.lines.joined(separator: "\n") ?? "The kubelet talks to Fender already: nothing to do.")
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let document = try encoder.encode(plan?.document ?? MigrationPlan.Document.done)
        print(String(decoding: document, as: UTF8.self))
    }

    /// nil when there is nothing to do.
    private func plan(_ node: Node, _ programs: NodePrograms) async throws -> MigrationPlan? {
        let kubelet = try KubeletFiles(node)
        let planner = try MigrationPlanner(node, kubelet: kubelet, version: await version(kubelet, programs))
        return try planner.isDone() ? nil : planner.plan()
    }

    private func version(_ kubelet: KubeletFiles, _ programs: NodePrograms) async throws -> KubeletVersion {
        if let kubeletVersion, let version = KubeletVersion(kubeletVersion) { return version }
        let program = programs.path(of: "kubelet") ?? kubelet.program
        let text = try? await programs.output([program, "--version"], seconds: 20)
        guard let text, let version = KubeletVersion(text) else {
            throw MigrationError("\(program) does not tell its version: give --kubelet-version")
        }
        return version
    }
}
