internal import CExecutor
internal import Glibc
internal import Linux
internal import OCI

/// Containers that another runtime makes.
extension Container {
    /// What the runtime complains of while it carries a command out.
    func runtimeLog(_ command: String) -> String { "\(directory)/\(command).log" }

    /// A plan that has the runtime make the container.
    func createPlan(
        by runtime: RuntimeProgram, _ setting: PlanBuilder.Setting, _ spec: Spec, console: String
    ) throws -> Plan {
        var builder = PlanBuilder(spec, setting)
        builder.addStay()
        // Nothing begins before it is written down who stays.
        builder.writer.step(FENDER_SYNC)
        let pidFile = "\(directory)/pid"
        let words = ["create", "--bundle", bundle, "--pid-file", pidFile] + Self.terminal(console) + [id]
        builder.addRuntime(
            runtime.arguments(words, log: runtimeLog("create"), systemd: record.unit != nil), pidFile: pidFile,
            console: console)
        return try builder.writer.finish()
    }

    /// A plan that has the runtime start one more process.
    func execPlan(
        by runtime: RuntimeProgram, _ process: Process, in spec: Spec, _ setting: PlanBuilder.Setting, name: String,
        console: String, cgroup: String
    ) throws -> Plan {
        var builder = PlanBuilder(spec, setting)
        builder.addStay()
        let pidFile = "\(directory)/\(name).pid"
        let words =
            ["exec", "--process", "\(directory)/\(name).json", "--pid-file", pidFile, "--detach"]
            + Self.terminal(console)
        let begins = runtime.startsInCgroup && !cgroup.isEmpty
        let place = begins ? ["--cgroup", Self.below(cgroup, isLegacy: !setting.cgroupFiles.isEmpty)] : []
        builder.addRuntime(
            runtime.arguments(
                words + place + [id], log: "\(directory)/\(name).log", systemd: record.unit != nil), pidFile: pidFile,
            console: console, cgroup: cgroup)
        return try builder.writer.finish()
    }

    /// A cgroup as `--cgroup` names it: below the container's, on v1 of the freezer alone.
    private static func below(_ cgroup: String, isLegacy: Bool) -> String {
        let name = cgroup.split(separator: "/").last.map(String.init) ?? ""
        return isLegacy ? "freezer:\(name)" : name
    }

    private static func terminal(_ console: String) -> [String] {
        console.isEmpty ? [] : ["--console-socket", console]
    }

    /// A path for a console socket: short, for the runtime connects to it by name.
    func consolePath() -> String { "\(store.root)/.\(String(UInt64.random(in: .min ... .max), radix: 36))" }

    /// The process of config.json, changed into `process`, as `exec --process` takes it.
    func document(of process: Process) throws -> JSON {
        let config = try JSON(parsing: Files.read("\(directory)/config.json"))
        guard case .object(let members)? = config["process"] else { throw SpecError("process", "is missing") }
        let changed = ["args", "env", "terminal", "consoleSize"]
        return .object(
            members.filter { !changed.contains($0.key) } + [
                .init("args", .array(process.arguments.map { .string($0) })),
                .init("env", .array(process.environment.map { .string($0) })),
                .init("terminal", .bool(process.terminal)),
            ])
    }

    /// Runs one of the runtime's commands on the container.
    func ask(_ runtime: RuntimeProgram, _ command: [String]) throws {
        try runtime.run(command, log: runtimeLog(command[0]), systemd: record.unit != nil)
    }

    /// Has the runtime forget the container, with all that is left of it. One that it does not know is fine.
    func forget(by runtime: RuntimeProgram) throws {
        guard runtime.isInstalled else { return }
        do {
            try ask(runtime, ["delete", "--force", id])
        } catch {
            // Without a state there was nothing to delete, whatever the runtime thinks of that.
            if Files.exists("\(runtime.root)/\(id)") { throw error }
        }
    }

    /// Changes limits, as `linux.resources` has them in JSON; what is not there stays as it is.
    public func update(parsing json: [UInt8]) throws {
        let resources = try Resources(parsing: json)
        guard let runtime = record.runtime else { return try update(resources) }
        try locked {
            guard status() != .stopped else { throw ExecutorError("container not running") }
            let file = "\(directory)/resources.json"
            try VolatileFile.replace(file, with: json)
            try ask(runtime, ["update", "--resources", file, id])
            // The command line of runc and crun leaves these out.
            var rest = Resources()
            (rest.hugepages, rest.unified) = (resources.hugepages, resources.unified)
            if !rest.hugepages.isEmpty || !rest.unified.isEmpty { try cgroups.update(rest) }
        }
    }
}

extension PlanBuilder {
    fileprivate mutating func addRuntime(
        _ arguments: [String], pidFile: String, console: String, cgroup: String = ""
    ) {
        writer.step(FENDER_RUNTIME, [], [pidFile, console, cgroup, setting.processDirectory] + arguments)
    }
}
