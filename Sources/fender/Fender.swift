internal import ArgumentParser
internal import Commands
internal import Configuration
internal import Glibc

/// The program's commands. A command line that begins with a flag, or is empty, means `serve`, so that
/// cri-dockerd's unit files work as they are.
@main
struct Fender: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fender",
        abstract: "A Kubernetes container runtime (CRI) on Docker, or on its own.",
        discussion: "Without a command, fender serves; `fender serve --help` lists its flags.",
        subcommands: [
            Serve.self, PodsCommand.self, StatsCommand.self, ImagesCommand.self, CheckCommand.self,
            MigrateCommand.self, Options.self, Version.self,
        ])

    /// Flags of the program itself, which ArgumentParser knows; all others are those of `serve`.
    private static let own = ["-h", "--help", "--generate-completion-script", "--experimental-dump-help"]

    static func main() async {
        var arguments = Array(CommandLine.arguments.dropFirst())
        let isServing = arguments.first.map { $0.hasPrefix("-") && !own.contains($0) } ?? true
        if isServing { arguments.insert("serve", at: 0) }
        do {
            var command = try Fender.parseAsRoot(arguments)
            if var waiting = command as? any AsyncParsableCommand {
                try await waiting.run()
            } else {
                try command.run()
            }
        } catch {
            Glibc.exit(report(error))
        }
    }

    /// Prints the error, or the help that was asked for by way of one, and tells the exit code.
    private static func report(_ error: any Error) -> CInt {
        if let error = error as? ConfigurationError {
            printError("fender: \(error)")
            return 2
        }
        // A command that has said what there is to say.
        if let code = error as? ExitCode { return code.rawValue }
        let asked = exitCode(for: error) == .success
        if asked {
            print(fullMessage(for: error))
            return 0
        }
        let usage = exitCode(for: error) == .validationFailure
        printError(usage ? fullMessage(for: error) : "fender: \(error)")
        return usage ? 2 : 1
    }
}

/// Writes a line to stderr.
func printError(_ line: String) {
    let bytes = Array(line.utf8) + [UInt8(ascii: "\n")]
    _ = bytes.withUnsafeBytes { Glibc.write(2, $0.baseAddress, $0.count) }
}
