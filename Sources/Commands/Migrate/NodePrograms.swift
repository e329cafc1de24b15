internal import Linux

/// The node's programs that a migration runs, found by PATH.
struct NodePrograms {
    private let directories: [String]
    private let environment: [String]
    /// Told of every command that changes something.
    private let announce: @Sendable (String) -> Void

    init(announce: @escaping @Sendable (String) -> Void) {
        let variables = Environment.variables()
        let path = variables["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin"
        directories = path.split(separator: ":").map(String.init)
        environment = variables.map { "\($0.key)=\($0.value)" }
        self.announce = announce
    }

    func path(of program: String) -> String? {
        if program.hasPrefix("/") { return Files.exists(program) ? program : nil }
        return directories.map { "\($0)/\(program)" }.first(where: Files.exists)
    }

    /// Runs a command that changes something. Throws ``MigrationError`` unless it ends with 0.
    func change(_ command: [String]) async throws {
        announce(command.map(Shell.word).joined(separator: " "))
        _ = try await output(command)
    }

    /// What a command prints, without the line feed. Throws ``MigrationError`` unless it ends with 0.
    func output(_ command: [String], seconds: Int = 120) async throws -> String {
        let outcome = try await outcome(command, seconds)
        let line = command.joined(separator: " ")
        if outcome.kill == .deadline { throw MigrationError("\(line): not done within \(seconds) s") }
        guard outcome.status == .exited(0) else {
            let errors = String(decoding: outcome.errors, as: UTF8.self).split(separator: "\n").joined(separator: "; ")
            throw MigrationError("\(line): \(errors.isEmpty ? "\(outcome.status)" : errors)")
        }
        return String(decoding: outcome.output, as: UTF8.self).split(separator: "\n").joined(separator: "\n")
    }

    /// Whether a command ends with 0: systemctl's answers to is-active and is-enabled.
    func says(_ command: [String]) async throws -> Bool {
        try await outcome(command, 30).status == .exited(0)
    }

    private func outcome(_ words: [String], _ seconds: Int) async throws -> Command.Outcome {
        guard let program = path(of: words[0]) else { throw MigrationError("there is no program \(words[0])") }
        var command = Command(program)
        command.arguments = Array(words.dropFirst())
        command.environment = environment
        command.deadline = .now + .seconds(seconds)
        return try await command.run()
    }
}
