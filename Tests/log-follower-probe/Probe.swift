import DockerLogs
import Glibc
import Logging

/// A follower in a process of its own, which tests kill, starve of space and measure.
///
/// The argument is the state directory. Commands on standard input, a line each, are answered by a line on standard output:
/// `follow ID SOURCE DESTINATION`, `reopen ID`, `finish ID`, `statistics`, `stop`.
@main
struct Probe {
    static func main() async throws {
        let logger = Logger(label: "probe") { _ in SwiftLogNoOpLogHandler() }
        let manager = try LogManager(stateDirectory: CommandLine.arguments[1], logger: logger)
        while let line = readLine() {
            var text: String
            do {
                text = try await run(line.split(separator: " ").map { String($0) }, manager)
            } catch {
                text = "failed \(error)"
            }
            text += "\n"
            text.withUTF8 { _ = write(1, $0.baseAddress, $0.count) }
        }
    }

    private static func run(_ words: [String], _ manager: LogManager) async throws -> String {
        switch (words.first, words.count) {
        case ("follow", 4):
            return "\(try await manager.follow(containerID: words[1], source: words[2], destination: words[3]))"
        case ("reopen", 2):
            try await manager.reopen(containerID: words[1])
            return "reopened"
        case ("finish", 2):
            return "finished \(await manager.finish(containerID: words[1], within: .seconds(60)))"
        case ("statistics", 1):
            let now = manager.statistics
            return "\(now.lines) \(now.bytes) \(now.droppedLines) \(now.writeFailures) \(now.gaps)"
        case ("stop", 1):
            await manager.stop()
            return "stopped"
        default:
            return "unknown command"
        }
    }
}
