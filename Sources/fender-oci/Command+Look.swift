internal import Executor
internal import Glibc
internal import Linux
internal import OCI

extension Command {
    static var state: Command {
        Command(name: "state", flags: CommandLine.Flags()) { program, line in
            Output.line(try program.store.container(line.id()).describe().description)
            return 0
        }
    }

    static var list: Command {
        let flags = CommandLine.Flags(switches: ["quiet"], values: ["format"], short: ["q": "quiet", "f": "format"])
        return Command(name: "list", flags: flags) { program, line in
            let containers = try program.store.containers()
            if line.has("quiet") {
                containers.forEach { Output.line($0.id) }
            } else if line["format"] == "json" {
                Output.line(containers.isEmpty ? "null" : JSON.array(containers.map { $0.describe() }).description)
            } else {
                let rows = [["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]] + containers.map(row)
                table(rows).forEach { Output.line($0) }
            }
            return 0
        }
    }

    private static func row(_ container: Container) -> [String] {
        let state = container.state()
        return [state.id, String(state.pid), state.status.rawValue, state.bundle, container.created, "root"]
    }

    private static func table(_ rows: [[String]]) -> [String] {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count + 3) }.joined()
        }
    }

    static var processes: Command {
        let flags = CommandLine.Flags(values: ["format"], short: ["f": "format"])
        return Command(name: "ps", flags: flags) { program, line in
            let pids = try program.store.container(line.id()).processes()
            if line["format"] == "json" {
                Output.line(JSON.array(pids.map { .integer($0) }).description)
                return 0
            }
            let arguments = line.rest.count > 1 ? Array(line.rest.dropFirst()) : ["-ef"]
            for text in try ProcessTable.read(arguments, pids) { Output.line(text) }
            return 0
        }
    }

    static var events: Command {
        let flags = CommandLine.Flags(switches: ["stats"], values: ["interval"])
        return Command(name: "events", flags: flags) { program, line in
            let container = try program.store.container(line.id())
            guard line.has("stats") else { throw UsageError("events without --stats is not supported") }
            Output.line(container.statistics().description)
            return 0
        }
    }

    static var update: Command {
        let flags = CommandLine.Flags(
            values: [
                "resources", "blkio-weight", "cpu-period", "cpu-quota", "cpu-burst", "cpu-rt-period", "cpu-rt-runtime",
                "cpu-share", "cpuset-cpus", "cpuset-mems", "memory", "memory-reservation", "memory-swap", "pids-limit",
                "cpu-idle",
            ], short: ["r": "resources"])
        return Command(name: "update", flags: flags) { program, line in
            try program.store.container(line.id()).update(try resources(line))
            return 0
        }
    }

    private static func resources(_ line: CommandLine) throws -> Resources {
        if let path = line["resources"] {
            return try Resources(parsing: path == "-" ? StandardInput.read() : Files.read(path))
        }
        var resources = Resources()
        resources.blockIO.weight = try line.number("blkio-weight")
        resources.cpu.period = try line.number("cpu-period")
        resources.cpu.quota = try line.number("cpu-quota")
        resources.cpu.burst = try line.number("cpu-burst")
        resources.cpu.realtimePeriod = try line.number("cpu-rt-period")
        resources.cpu.realtimeRuntime = try line.number("cpu-rt-runtime")
        resources.cpu.shares = try line.number("cpu-share")
        resources.cpu.idle = try line.number("cpu-idle")
        resources.cpu.cpus = line["cpuset-cpus"]
        resources.cpu.mems = line["cpuset-mems"]
        resources.memory.limit = try line.number("memory")
        resources.memory.reservation = try line.number("memory-reservation")
        resources.memory.swap = try line.number("memory-swap")
        resources.pids = try line.number("pids-limit")
        return resources
    }

    static var features: Command {
        Command(name: "features", flags: CommandLine.Flags()) { _, _ in
            Output.line(Features.json.description)
            return 0
        }
    }

    static var specification: Command {
        let flags = CommandLine.Flags(switches: ["rootless"], values: ["bundle"], short: ["b": "bundle"])
        return Command(name: "spec", flags: flags) { _, line in
            let path = "\(line["bundle"] ?? ".")/config.json"
            guard !Files.exists(path) else { throw UsageError("File config.json exists. Remove it first") }
            try Files.replace(path, with: DefaultSpec.json.bytes, mode: 0o666)
            return 0
        }
    }
}

/// All of stdin.
enum StandardInput {
    static func read() throws -> [UInt8] {
        let file = Descriptor(owning: try system("dup") { dup(STDIN_FILENO) })
        return try Files.read(file, name: "stdin")
    }
}

/// ps(1)'s table, only the lines of some processes.
enum ProcessTable {
    static func read(_ arguments: [String], _ pids: [Int32]) throws -> [String] {
        let command = (["ps"] + arguments).map {
            "'"
                + $0.split(separator: "'", omittingEmptySubsequences: false)
                .joined(separator: "'\\''") + "'"
        }.joined(separator: " ")
        guard let stream = popen(command, "r") else { throw SystemError(call: "popen", object: "ps", code: errno) }
        defer { pclose(stream) }
        var lines: [String] = []
        var buffer = [CChar](repeating: 0, count: 64 << 10)
        while fgets(&buffer, CInt(buffer.count), stream) != nil {
            let bytes = buffer.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }
            lines.append(String(decoding: bytes, as: UTF8.self))
        }
        guard let header = lines.first, let column = header.split(separator: " ").firstIndex(of: "PID") else {
            throw UsageError("couldn't find PID field in ps output")
        }
        let wanted = Set(pids.map { String($0)[...] })
        return [header]
            + lines.dropFirst().filter { line in
                let words = line.split(separator: " ")
                return words.count > column && wanted.contains(words[column])
            }
    }
}
