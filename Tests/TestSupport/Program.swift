import Foundation
import Glibc

/// Programs that a test needs the output of.
public enum Program {
    /// Runs a program to its end; its standard output and error. Blocks.
    ///
    /// Throws ``DockerDaemon/Failure`` with the output when it does not exit 0.
    @discardableResult
    public static func run(_ arguments: [String]) throws -> [UInt8] {
        let output = FileManager.default.temporaryDirectory.appendingPathComponent("fender-\(UUID())").path
        defer { unlink(output) }
        let process = try RunningProcess(arguments, output: output, environment: [:])
        process.waitForEnd()
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: output)))
        guard process.succeeded else {
            let text = String(decoding: bytes.suffix(2000), as: UTF8.self)
            throw DockerDaemon.Failure(description: "\(arguments[0]): \(text)")
        }
        return bytes
    }
}
