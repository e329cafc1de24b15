internal import ArgumentParser
internal import Configuration
internal import Linux

/// `fender serve`: the daemon.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve the CRI. The default.",
        usage: "fender [serve] [--FLAG=VALUE ...]")

    /// Flags are read from the table of options, which ArgumentParser cannot be given.
    @Argument(
        parsing: .captureForPassthrough,
        help: ArgumentHelp("Settings, each told of below.", valueName: "--FLAG=VALUE"),
        completion: .list(ConfigurationOption.all.map(\.flag).sorted()))
    var flags: [String] = []

    func run() async throws {
        let flags = try CommandLineFlags(flags)
        if flags.help {
            print(Serve.helpMessage() + "\n" + ConfigurationOption.helpText)
        } else if flags.version {
            print(BuildInformation.line)
        } else if flags.buildInfo {
            print(BuildInformation.lines)
        } else {
            try await serve(flags)
        }
    }

    private func serve(_ flags: CommandLineFlags) async throws {
        let environment = Environment.variables()
        let systemd = Systemd.take()
        let read = { @Sendable in
            try LoadedConfiguration(
                flags: flags, environment: environment, socketPassed: !systemd.sockets.isEmpty)
        }
        let loaded = try read()
        let output = LogOutput(
            format: loaded.values.logFormat, level: loaded.values.logLevel,
            journalStream: environment["JOURNAL_STREAM"])
        output.bootstrap()
        try await Daemon(loaded: loaded, systemd: systemd, output: output, reread: read).run()
    }
}
