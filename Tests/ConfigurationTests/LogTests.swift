import Glibc
import Linux
import Logging
import Testing

@testable import Configuration

/// A pipe whose reading end never blocks.
private struct Pipe: ~Copyable {
    let reader: Descriptor
    let writer: Descriptor

    init() throws {
        var ends: [CInt] = [0, 0]
        try system("pipe") { pipe(&ends) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        reader = Descriptor(owning: ends[0])
        writer = Descriptor(owning: ends[1])
    }

    func text() -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while let count = try? chunk.withUnsafeMutableBytes({ try reader.read(into: $0) }), count > 0 {
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

private func logger(_ output: LogOutput) -> Logger {
    Logger(label: "test") { LineLogHandler(label: $0, output: output) }
}

private func withoutTime(_ line: String) -> Substring {
    line.dropFirst("time=2026-11-24T08:21:43.123456Z ".count)
}

struct LogTests {
    @Test(arguments: [
        (0, 0, "1970-01-01T00:00:00.000000Z"), (1_709_210_096, 789_012_345, "2024-02-29T12:34:56.789012Z"),
        (4_102_444_799, 999_999_999, "2099-12-31T23:59:59.999999Z"),
    ]) func times(seconds: Int, nanoseconds: Int, text: String) {
        #expect(rfc3339(timespec(tv_sec: seconds, tv_nsec: nanoseconds)) == text)
    }

    @Test func textLine() throws {
        let pipe = try Pipe()
        var log = logger(LogOutput(descriptor: pipe.writer.raw))
        log[metadataKey: "pod"] = "a=b"
        log.warning(
            "two words\nand \"more\"\u{2028}", metadata: ["id": "x1", "empty": "", "odd key": "v", "z": ["a", "b"]])
        let line = pipe.text()
        #expect(line.hasPrefix("time=2"))
        #expect(
            withoutTime(line) == #"""
                level=warning msg="two words\nand \"more\"\u2028" component=test empty="" id=x1 odd_key=v pod="a=b" z="[\"a\", \"b\"]"

                """#)
    }

    @Test func jsonLine() throws {
        let line = LogLine(level: .error, message: "a\u{1}\"b\\ü", time: timespec(tv_sec: 0, tv_nsec: 0))
        #expect(
            String(decoding: line.bytes(.json), as: UTF8.self)
                == #"{"time":"1970-01-01T00:00:00.000000Z","level":"error","msg":"a\u0001\"b\\ü"}"# + "\n")
    }

    @Test func theLevelMayChangeForLoggersThatExist() throws {
        let pipe = try Pipe()
        let output = LogOutput(descriptor: pipe.writer.raw, level: .error)
        var log = logger(output)
        log.info("one")
        output.level = .debug
        log.debug("two")
        log.logLevel = .critical
        log.error("three")
        let text = pipe.text()
        #expect(text.split(separator: "\n").count == 1)
        #expect(text.contains("msg=two"))
    }

    @Test func theJournalIsToldThePriority() throws {
        let pipe = try Pipe()
        let status = try pipe.writer.status()
        let stream = "\(status.st_dev):\(status.st_ino)"
        logger(LogOutput(descriptor: pipe.writer.raw, journalStream: stream)).error("x")
        #expect(pipe.text().hasPrefix("<3>time="))
        logger(LogOutput(descriptor: pipe.writer.raw, journalStream: "1:1")).error("x")
        #expect(pipe.text().hasPrefix("time="))
        logger(LogOutput(descriptor: pipe.writer.raw, format: .json, journalStream: stream)).error("x")
        #expect(pipe.text().hasPrefix("{"))
    }

    @Test func aReaderThatSleepsLosesLinesAndIsToldHowMany() throws {
        let pipe = try Pipe()
        // The pipe blocks, as a daemon's stderr does: a write without room would hang this test.
        let log = logger(LogOutput(descriptor: pipe.writer.raw))
        let message = String(repeating: "x", count: 1000)
        for _ in 0..<200 { log.info("\(message)") }
        let kept = pipe.text().split(separator: "\n").count
        #expect(kept < 200)
        log.info("back")
        let after = pipe.text().split(separator: "\n")
        #expect(after.count == 2)
        #expect(after.first?.hasSuffix("count=\(200 - kept)") == true)
        #expect(after.last?.contains("msg=back") == true)
    }

    @Test func aClosedDescriptorIsNoHarm() throws {
        var ends: [CInt] = [0, 0]
        try system("pipe") { pipe(&ends) }
        // A number high enough that no other test opens it meanwhile.
        let number = try system("fcntl") { fcntl(ends[1], F_DUPFD_CLOEXEC, 900) }
        for end in ends + [number] { close(end) }
        logger(LogOutput(descriptor: number)).error("nobody hears")
    }
}
