import Glibc
import Linux

/// Writes a log as dockerd's json-file driver does: the same escapes, one write a line, the same order of renames.
final class DockerJSONFile {
    let path: String
    let maxSize: Int
    let maxFile: Int
    /// What a CRI log of all that was written must hold.
    private(set) var expected: [UInt8] = []
    /// Entries in files that rotation has deleted.
    private(set) var deletedEntries: UInt64 = 0
    private var entries: [UInt64] = [0]
    private var file: Descriptor
    private var size: Int
    private var clock = 0

    /// `maxFile` 1 deletes the full file, as newer Docker does.
    init(_ path: String, maxSize: Int = .max, maxFile: Int = 1) throws {
        self.path = path
        self.maxSize = maxSize
        self.maxFile = maxFile
        file = try Descriptor.open(path, O_WRONLY | O_APPEND | O_CREAT, mode: 0o640)
        size = Int(try file.status().st_size)
    }

    /// Writes one entry; one that does not end a line is a part.
    func write(_ content: String, stream: String = "stdout", endsLine: Bool = true) throws {
        clock += 1
        let time = Self.time(clock)
        var line = Self.json(content + (endsLine ? "\n" : ""), stream, time)
        expected += Array("\(time) \(stream) \(endsLine ? "F" : "P") \(content)\n".utf8)
        try line.withUTF8 { try writeRaw(Array($0)) }
    }

    /// Writes bytes as one line of Docker's would be written.
    func writeRaw(_ bytes: [UInt8]) throws {
        if size >= maxSize { try rotate() }
        try bytes.withUnsafeBytes { try file.writeAll($0) }
        size += bytes.count
        entries[entries.count - 1] += 1
    }

    /// Adds to ``expected`` what was written raw.
    func expect(_ text: String) {
        expected += Array(text.utf8)
    }

    func forgetExpected() {
        expected = []
    }

    func rotate() throws {
        file = try Descriptor.open("/dev/null", O_WRONLY)
        if maxFile < 2 {
            try Files.remove(path)
        } else {
            try Files.remove("\(path).\(maxFile - 1)")
            for number in stride(from: maxFile - 1, to: 1, by: -1) {
                rename("\(path).\(number - 1)", "\(path).\(number)")
            }
            rename(path, "\(path).1")
        }
        file = try Descriptor.open(path, O_WRONLY | O_TRUNC | O_CREAT, mode: 0o640)
        size = 0
        entries.append(0)
        if entries.count > maxFile { deletedEntries += entries.removeFirst() }
    }

    /// What dockerd does when it cannot rename the file.
    func truncate() throws {
        file = try Descriptor.open(path, O_WRONLY | O_TRUNC | O_CREAT, mode: 0o640)
        size = 0
    }

    /// The container has exited.
    func close() throws {
        file = try Descriptor.open("/dev/null", O_WRONLY)
    }

    /// dockerd is started again.
    func restart() throws {
        file = try Descriptor.open(path, O_WRONLY | O_APPEND | O_CREAT, mode: 0o640)
        size = Int(try file.status().st_size)
    }

    /// The entry as encoding/json in Docker's form writes it.
    static func json(_ content: String, _ stream: String, _ time: String) -> String {
        var text = "{\"log\":\""
        for scalar in content.unicodeScalars {
            switch scalar {
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "<", ">", "&", "\u{2028}", "\u{2029}", "\u{0}"..<" ": text += escape(scalar.value)
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\",\"stream\":\"\(stream)\",\"time\":\"\(time)\"}\n"
    }

    private static func escape(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }

    /// A time that is later for a higher number, in Docker's form: no zeros at the end.
    static func time(_ number: Int) -> String {
        var fraction = String(1_000_000_000 + number % 1_000_000_000).dropFirst()
        while fraction.last == "0" { fraction.removeLast() }
        let second = number / 1_000_000_000
        return "2026-03-01T10:00:0\(second)\(fraction.isEmpty ? "" : ".")\(fraction)Z"
    }
}
