import Glibc
import Linux
import TestScratch
import Testing

@testable import Executor

private let canRun = getuid() == 0 && Files.exists("/bin/busybox")

/// Logs that a supervisor writes.
@Suite(.enabled(if: canRun), .serialized) struct LogTests {
    @Test func `the times are those of the lines`() throws {
        let date = "busybox date -u +%FT%T"
        let bundle = try Bundle("\(date); sleep 1.1; \(date)")
        let (container, _) = try bundle.superviseToEnd()
        defer { _ = try? container.delete(force: true) }
        for line in try Files.text(bundle.scratch("log/0.log")).split(separator: "\n") {
            let words = line.split(separator: " ")
            let late = second(of: words[0]) - second(of: words[3])
            #expect((0...9).contains((late + 86_400) % 86_400), "\(line)")
            #expect(late < 0 || words[0].prefix(10) == words[3].prefix(10))
            #expect(words[0].hasSuffix("Z") && words[0].utf8.count == 30)
        }
    }

    /// Of the day.
    private func second(of time: Substring) -> Int {
        time.dropFirst(11).prefix(8).split(separator: ":").reduce(0) { $0 * 60 + (Int($1) ?? 0) }
    }

    @Test(arguments: [
        (16384, true, ["F 16384"]), (16385, true, ["P 16384", "F 1"]), (16384, false, ["P 16384"]),
        (40_000, true, ["P 16384", "P 16384", "F 7232"]), (32_768, false, ["P 16384", "P 16384"]),
        (0, true, ["F 0"]), (1, true, ["F 1"]),
    ])
    func `long lines go on in further ones`(length: Int, hasEnd: Bool, lines: [String]) throws {
        let bundle = try Bundle(
            "busybox head -c \(length) /dev/zero | busybox tr '\\0' x; \(hasEnd ? "echo" : "true"); echo e >&2")
        let (container, _) = try bundle.superviseToEnd()
        defer { _ = try? container.delete(force: true) }
        let found = try bundle.log().filter { $0.hasPrefix("stdout ") }.map { line in
            let words = line.split(separator: " ", omittingEmptySubsequences: false)
            #expect(words[2].allSatisfy { $0 == "x" })
            return "\(words[1]) \(words[2].count)"
        }
        #expect(found == lines)
    }

    @Test func `a log that cannot be opened is told and all is undone`() throws {
        let bundle = try Bundle("exit 0")
        let path = bundle.scratch("none/0.log")
        #expect { try bundle.supervise { $0.logPath = path } } throws: {
            "\($0)" == "open log: \(path): no such file or directory"
        }
        #expect(try bundle.remains().isEmpty)
    }

    @Test func `a full disk drops whole lines, counts them, and stops nobody`() throws {
        let bundle = try Bundle(
            "i=0; while [ $i -lt 4000 ]; do echo 123456789012345678901234567890123456789012345678; i=$((i+1)); done")
        try Files.makeDirectories(bundle.scratch("small"))
        try system("mount") { mount("tmpfs", bundle.scratch("small"), "tmpfs", 0, "size=64k") }
        defer { umount2(bundle.scratch("small"), CInt(MNT_DETACH)) }
        let path = bundle.scratch("small/0.log")
        let (container, record) = try bundle.superviseToEnd { $0.logPath = path }
        defer { _ = try? container.delete(force: true) }
        #expect(record.code == 0)
        let lines = try Files.text(path).split(separator: "\n")
        #expect(lines.allSatisfy { $0.utf8.count == 88 })
        #expect(record.droppedLines > 0)
        #expect(lines.count + Int(record.droppedLines) == 4000)
        #expect(record.droppedBytes == record.droppedLines * 89)
    }
}
