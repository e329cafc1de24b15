import Linux
import Testing

@testable import Configuration

/// A file of the repository.
private func repositoryFile(_ path: String, from source: String = #filePath) throws -> String {
    let root = source.split(separator: "/").dropLast(3).joined(separator: "/")
    return String(decoding: try Files.read("/\(root)/\(path)"), as: UTF8.self)
}

/// `swift run fender options --form markdown` and `--form toml` print what these compare with.
struct DocumentTests {
    @Test func theDocumentationHoldsTheTable() throws {
        let text = try repositoryFile("docs/configuration.md")
        let start = try #require(text.firstRange(of: "<!-- options: made by `fender options --form markdown` -->\n\n"))
        let end = try #require(text.firstRange(of: "\n<!-- end of options -->"))
        #expect(text[start.upperBound..<end.lowerBound] == ConfigurationOption.markdown)
    }

    @Test func theSampleFileIsTheTable() throws {
        #expect(try repositoryFile("packaging/config.toml") == ConfigurationOption.sampleFile)
    }

    @Test func theSampleFileSaysTheDefaults() throws {
        let lines = ConfigurationOption.sampleFile.split(separator: "\n")
        let settings = lines.filter { $0.hasPrefix("#") && !$0.hasPrefix("# ") }.map { $0.dropFirst() }
        let loaded = try load(file: settings.joined(separator: "\n"))
        #expect(loaded.origins.count == ConfigurationOption.all.count - 1)
        #expect(loaded.settingsThatDiffer(from: try load()) == ["config"])
        #expect(loaded.warnings == [])
    }

    @Test(arguments: ConfigurationOption.all.map(\.name)) func namesFollowFromOne(name: String) throws {
        let option = try #require(ConfigurationOption.all.first { $0.name == name })
        #expect(option.environment == "FENDER_" + name.uppercased().split(separator: "-").joined(separator: "_"))
        #expect(ConfigurationOption.helpText.contains("  \(option.flag)"))
        #expect(!option.help.isEmpty && option.help.hasSuffix("."))
    }
}
