import Glibc
import Linux

@testable import Configuration

/// A file of the test's own, gone with the value.
final class TemporaryFile {
    let path: String

    init(_ text: String) throws {
        var template = Array("/tmp/fender-config-XXXXXX".utf8CString)
        let number = try system("mkstemp") { mkstemp(&template) }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        let file = Descriptor(owning: number)
        try Array(text.utf8).withUnsafeBytes { try file.writeAll($0) }
    }

    deinit {
        unlink(path)
    }
}

/// Reads settings from the three sources; `file` is what the file holds.
func load(
    _ flags: [String] = [], file: String? = nil, _ environment: [String: String] = [:], socketPassed: Bool = false
) throws -> LoadedConfiguration {
    let temporary = try file.map(TemporaryFile.init)
    defer { withExtendedLifetime(temporary) {} }
    return try LoadedConfiguration(
        flags: CommandLineFlags(flags), environment: environment,
        defaultFile: temporary?.path ?? "/nonexistent/config.toml", socketPassed: socketPassed)
}

/// The message of the error that reading ends with, the file's path as `FILE`; nil when it succeeds.
func failure(
    _ flags: [String] = [], file: String? = nil, _ environment: [String: String] = [:]
) throws -> String? {
    do {
        _ = try load(flags, file: file, environment)
        return nil
    } catch let error as ConfigurationError {
        guard let start = error.description.firstRange(of: "/tmp/fender-config-") else { return error.description }
        return error.description.replacingCharacters(
            in: start.lowerBound..<error.description.index(start.upperBound, offsetBy: 6))
    }
}

extension String {
    fileprivate func replacingCharacters(in range: Range<String.Index>) -> String {
        String(self[..<range.lowerBound]) + "FILE" + String(self[range.upperBound...])
    }
}
