internal import ArgumentParser
internal import Configuration

/// `fender options`: the table of settings, as documentation or as a file to begin with.
struct Options: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print every setting with its default.")

    enum Form: String, ExpressibleByArgument, CaseIterable {
        case help
        case toml
        case markdown
        case man
    }

    @Option(help: "How to print them; toml is a file to begin with, man the manual fender.toml(5).")
    var form = Form.help

    func run() {
        switch form {
        case .help: print(ConfigurationOption.helpText)
        case .toml: print(ConfigurationOption.sampleFile, terminator: "")
        case .markdown: print(ConfigurationOption.markdown, terminator: "")
        case .man: print(ConfigurationOption.manual, terminator: "")
        }
    }
}
