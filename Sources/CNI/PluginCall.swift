internal import Glibc
internal import Linux

/// The verbs of the specification.
enum Verb: String, Sendable {
    case add = "ADD"
    case delete = "DEL"
    case check = "CHECK"
    case collect = "GC"
    case status = "STATUS"
    case version = "VERSION"
}

/// One run of one plugin.
struct PluginCall: Sendable {
    var verb: Verb
    var type: String
    var request: JSONValue
    var deadline: ContinuousClock.Instant
    /// `CNI_CONTAINERID` and the like, of the verbs that are about a container.
    var parameters: [(name: String, value: String)] = []
    var heir: Command.Heir?

    /// Runs the plugin and answers its output; nil when it wrote nothing. Throws CNIError or CancellationError.
    func run(in directories: [String]) async throws -> JSONValue? {
        try Task.checkCancellation()
        let outcome: Command.Outcome
        do {
            let command = try await DedicatedThread.run { try prepared(in: directories) }
            outcome = try await command.run()
        } catch let error as SystemError {
            throw failure(.io, "cannot run: \(error)")
        }
        return try answer(outcome)
    }

    private func prepared(in directories: [String]) throws -> Command {
        guard let path = Self.find(type, in: directories) else {
            throw failure(.pluginNotFound, "no such plugin in \(directories.joined(separator: ", "))")
        }
        var command = Command(path)
        command.environment = Self.inheritedEnvironment()
        command.environment.append("CNI_COMMAND=\(verb.rawValue)")
        command.environment.append("CNI_PATH=\(directories.joined(separator: ":"))")
        command.environment += parameters.map { "\($0.name)=\($0.value)" }
        command.input = request.bytes
        command.deadline = deadline
        command.heir = heir
        return command
    }

    /// The plugin's path; nil when no directory has such a file.
    static func find(_ type: String, in directories: [String]) -> String? {
        directories.map { "\($0)/\(type)" }.first { path in
            var status = stat()
            return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        }
    }

    /// Plugins need PATH and may be set up by variables of their own; what systemd told us is not for them.
    private static func inheritedEnvironment() -> [String] {
        let foreign = ["CNI_", "NOTIFY_SOCKET", "LISTEN_", "WATCHDOG_"]
        var variables = Environment.variables().filter { name, _ in !foreign.contains(where: name.hasPrefix) }
        if variables["PATH"] == nil {
            variables["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        }
        return variables.map { "\($0.key)=\($0.value)" }
    }

    private func answer(_ outcome: Command.Outcome) throws -> JSONValue? {
        switch outcome.kill {
        case .cancelled: throw CancellationError()
        case .deadline: throw failure(.timedOut, "did not end in time and was killed", outcome)
        case .output: throw failure(.badOutput, "wrote too much and was killed", outcome)
        case nil: break
        }
        let isBlank = outcome.output.allSatisfy { $0 <= 0x20 }
        let document = isBlank ? nil : try? JSONValue(parsing: outcome.output)
        if let document, let code = document["code"]?.integer, code != 0 || outcome.status != .exited(0) {
            throw CNIError(
                .plugin(code), verb: verb.rawValue, plugin: type,
                message: document["msg"]?.string ?? "error without a message",
                details: document["details"]?.string ?? "")
        }
        switch outcome.status {
        case .exited(0): break
        case .exited(let code): throw failure(.died, "exited with \(code)", outcome)
        case .signalled(let signal): throw failure(.died, "died by signal \(signal)", outcome)
        case .unkillable: throw failure(.timedOut, "cannot be killed", outcome)
        }
        if !isBlank && document == nil && verb != .delete {
            throw failure(.badOutput, "answered something that is not JSON", outcome)
        }
        return document
    }

    private func failure(_ code: CNIError.Code, _ message: String, _ outcome: Command.Outcome? = nil) -> CNIError {
        // Standard error tells more than output that made no sense; either can be anything, so little of it is kept.
        let text = (outcome?.errors.isEmpty == false ? outcome?.errors : outcome?.output) ?? []
        let details = String(decoding: text.suffix(1024), as: UTF8.self)
            .split(whereSeparator: \.isNewline).joined(separator: " ")
        return CNIError(code, verb: verb.rawValue, plugin: type, message: message, details: details)
    }
}
