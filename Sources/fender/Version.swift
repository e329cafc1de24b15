internal import ArgumentParser
internal import CVersion

/// `fender version`.
struct Version: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print the version.")

    func run() {
        print(BuildInformation.lines)
    }
}

/// What the program knows of its own making.
enum BuildInformation {
    static let version = "0.1.0-dev"

    /// The revision, or nil when the build did not name one.
    static var revision: String? {
        let text = String(cString: fender_revision())
        return text.isEmpty ? nil : text
    }

    /// As cri-dockerd's --version: program, version and revision.
    static var line: String {
        "fender \(version)" + (revision.map { " (\($0))" } ?? "")
    }

    /// As cri-dockerd's --buildinfo.
    static var lines: String {
        """
        Program: fender
        Version: \(version)
        Revision: \(revision ?? "unknown")
        Swift: \(compiler)
        """
    }

    private static var compiler: String {
        #if compiler(>=6.4)
            "6.4 or later"
        #else
            "6.3"
        #endif
    }
}
