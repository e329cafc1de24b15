/// How far a container's log is converted: positions in two files that belong together.
struct Checkpoint: Equatable {
    /// Raised with every change of the form below or of what ``LineConverter`` makes of any input.
    static let version = 1

    /// A position in one of Docker's files.
    struct Source: Equatable {
        var file: FileID
        /// Everything before is converted.
        var offset = 0
        /// The last bytes before `offset`, at most ``SourceFile/tailLength``: an inode number may come to stand for another
        /// file, and a file may be truncated and grow again, but then these differ, for they hold a time.
        var tail: [UInt8] = []
        /// ``LineConverter/isPassingLine`` at `offset`.
        var isPassingLine = false
        /// ``LineConverter/notBefore`` at `offset`.
        var notBefore: [UInt8]?
    }

    /// A position in a CRI log.
    struct Output: Equatable {
        var file: FileID
        /// How long the file is when all before the source position is in it. Negative when the beginning of it is in
        /// the file before.
        var size: Int
    }

    /// Positions in both; the source is absent while Docker has made no file.
    struct Point: Equatable {
        var source: Source?
        var output: Output
    }

    var current: Point
    /// Where the last reopening left the file before. The kubelet takes that file back, over the new one, when it
    /// does not learn that the reopening succeeded.
    var previous: Point?
}

extension Checkpoint {
    /// The form on disk: a line a point, a last line that shows it is whole.
    var encoded: [UInt8] {
        var text = "fender-log \(Self.version)\n" + Self.line("current", current)
        if let previous { text += Self.line("previous", previous) }
        return Array((text + "end\n").utf8)
    }

    /// Reads ``encoded``; nil for anything else, such as an empty file after a power loss.
    init?(encoded bytes: [UInt8]) {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { $0.split(separator: " ") }
        guard lines.first == ["fender-log", "\(Self.version)"], lines.last == ["end"], (3...4).contains(lines.count),
            lines[1].first == "current", let current = Self.point(lines[1])
        else { return nil }
        self.init(current: current)
        if lines.count == 4 {
            guard lines[2].first == "previous", let previous = Self.point(lines[2]) else { return nil }
            self.previous = previous
        }
    }

    private static func line(_ name: String, _ point: Point) -> String {
        let source = point.source ?? Source(file: FileID(device: 0, inode: 0))
        let tail = source.tail.isEmpty ? "-" : source.tail.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let notBefore = source.notBefore.map { String(decoding: $0, as: UTF8.self) } ?? "-"
        let output = point.output
        return "\(name) \(source.file.device) \(source.file.inode) \(source.offset) \(tail)"
            + " \(source.isPassingLine ? 1 : 0) \(notBefore) \(output.file.device) \(output.file.inode) \(output.size)\n"
    }

    private static func point(_ fields: [Substring]) -> Point? {
        guard fields.count == 10, let device = UInt64(fields[1]), let inode = UInt64(fields[2]),
            let offset = Int(fields[3]), offset >= 0, let tail = bytes(hex: fields[4]),
            tail.count == min(offset, SourceFile.tailLength),
            let outputDevice = UInt64(fields[7]), let outputInode = UInt64(fields[8]), let size = Int(fields[9]),
            size.magnitude < 1 << 60, offset < 1 << 60
        else { return nil }
        let output = Output(file: FileID(device: outputDevice, inode: outputInode), size: size)
        guard inode != 0 else { return Point(output: output) }
        let source = Source(
            file: FileID(device: device, inode: inode), offset: offset, tail: tail, isPassingLine: fields[5] == "1",
            notBefore: fields[6] == "-" ? nil : Array(fields[6].utf8))
        return Point(source: source, output: output)
    }

    private static func bytes(hex text: Substring) -> [UInt8]? {
        if text == "-" { return [] }
        let digits = Array(text)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(digits[index...index + 1]), radix: 16) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }
}
