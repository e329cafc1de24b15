import Testing

@testable import DockerLogs

private let time = "2026-03-01T10:00:00.000000001Z"

/// Converts `input`, all of it in one stretch.
private func convert(_ input: String) -> String {
    var converter = LineConverter()
    let bytes = Array(input.utf8)
    return bytes.withUnsafeBytes {
        _ = converter.convert($0)
        return String(decoding: converter.output.bytes, as: UTF8.self)
    }
}

@Suite struct ConverterTests {
    @Test(arguments: [
        (#"hello\n"#, "F hello"),
        (#"part"#, "P part"),
        (#""#, "P "),
        (#"\n"#, "F "),
        (#"tab\there \"quoted\" \\ \/ \b\f\r\n"#, "F tab\there \"quoted\" \\ / \u{8}\u{c}\r"),
        (#"\u003ca\u0026\u003e\u2028\n"#, "F <a&>\u{2028}"),
        (#"\u00e4\u20AC\ud83d\ude00\n"#, "F \u{e4}\u{20ac}\u{1f600}"),
        (#"\ud83d\n"#, "F \u{fffd}"),
        (#"\ude00\ud83d\n"#, "F \u{fffd}\u{fffd}"),
        (#"\ud83d\u0041\n"#, "F \u{fffd}A"),
        (#"\u12g4\n"#, "F \u{fffd}12g4"),
        (#"\u12"#, "P \u{fffd}12"),
        (#"\x\n"#, "F \u{fffd}"),
        (#"ends with backslash \\"#, "P ends with backslash \\"),
        (#"{\"log\":\"inner\"}\n"#, "F {\"log\":\"inner\"}"),
        ("äöü raw\\n", "F äöü raw"),
    ])
    func content(json: String, line: String) {
        #expect(
            convert(#"{"log":"\#(json)","stream":"stdout","time":"\#(time)"}"# + "\n") == "\(time) stdout \(line)\n")
    }

    @Test(arguments: [
        #"{"stream":"stderr","time":"\#(time)","log":"x\n"}"#,
        #"{"time":"\#(time)","attrs":{"a":"}","b":["{",1,null,{"c":true}]},"log":"x\n","stream":"stderr"}"#,
        #" { "log" : "x\n" , "stream" : "stderr" , "time" : "\#(time)" } "#,
        #"{"log":"x\n","stream":"stderr","n":-1.5e+7,"t":true,"time":"\#(time)"}"#,
        "\0\0\0" + #"{"log":"x\n","stream":"stderr","time":"\#(time)"}"#,
    ])
    func fieldsInAnyOrder(line: String) {
        #expect(convert(line + "\n") == "\(time) stderr F x\n")
    }

    @Test(arguments: [
        "garbage", "{}", "{", "[]", "\"", "{\"log\":", #"{"log":"x\n"}"#, #"{"log":"x\n","stream":"stdout"}"#,
        #"{"log":5,"stream":"stdout","time":"\#(time)"}"#,
        #"{"log":"x","stream":"stdin","time":"\#(time)"}"#,
        #"{"log":"x","stream":"stdout","time":"yesterday"}"#,
        #"{"log":"x","stream":"stdout","time":"2026-13-01T10:00:00Z"}"#,
        #"{"log":"x","stream":"stdout","time":"2026-03-01T10:00:00.Z"}"#,
        #"{"log":"x","stream":"stdout","time":"2026-03-01T10:00:00 F forged"}"#,
        #"{"log":"x","stream":"stdout","time":"\#(time)""#,
        #"{"log":"x" "stream":"stdout","time":"\#(time)"}"#,
        "\u{1}\u{2}",
    ])
    func noEntryIsLeftOut(line: String) {
        let after = #"{"log":"after\n","stream":"stdout","time":"\#(time)"}"# + "\n"
        #expect(convert(line + "\n\n" + after) == "\(time) stdout F after\n")
    }

    @Test(arguments: [
        (#"{"log":"ab"#, ""),
        (#"{"log":"ab\"#, ""),
        (#"{"log":"a { b","stream":"std"#, ""),
        (#"{"log":"ab\n","stream":"stdout","attrs":{"k":"v"#, ""),
        ("{\"log\":\"ab\0\0\0\0", ""),
        (#"{"log":"whole\n","stream":"stdout","time":"\#(time)"}"#, "\(time) stdout F whole\n"),
        (#"{"log":"{"log":"{"log":""#, ""),
    ])
    func entryBehindATornOne(torn: String, first: String) {
        let line = torn + #"{"log":"{ x\n","stream":"stderr","attrs":{"a":"b"},"time":"\#(time)"}"#
        #expect(convert(line + "\n") == first + "\(time) stderr F { x\n")
    }

    @Test func longContentGoesOnInPartsAtCharacters() {
        let content = String(repeating: "€", count: 7000)
        let input = #"{"log":"\#(content)\n","stream":"stdout","time":"\#(time)"}"# + "\n"
        let first = String(repeating: "€", count: 5461)
        let second = String(repeating: "€", count: 7000 - 5461)
        #expect(convert(input) == "\(time) stdout P \(first)\n\(time) stdout F \(second)\n")
    }

    @Test(arguments: [16383, 16384, 16385, 32768, 40000])
    func noPieceIsLongerThanTheLimit(length: Int) {
        let content = String(repeating: "x", count: length)
        let lines = convert(#"{"log":"\#(content)\n","stream":"stdout","time":"\#(time)"}"# + "\n").split(
            separator: "\n")
        let pieces = lines.map { $0.dropFirst(time.utf8.count + 10) }
        #expect(pieces.joined() == content)
        #expect(pieces.allSatisfy { $0.utf8.count <= LineConverter.contentLimit })
        #expect(lines.dropLast().allSatisfy { $0.contains(" stdout P ") })
        #expect(lines.last?.contains(" stdout F ") == true)
    }

    @Test func aNewlineInsideContentCannotForgeALine() {
        let input = #"{"log":"a\n\#(time) stdout F b\u000ac","stream":"stderr","time":"\#(time)"}"# + "\n"
        #expect(
            convert(input) == "\(time) stderr F a\n\(time) stderr F \(time) stdout F b\n\(time) stderr P c\n")
    }

    @Test func aLineWithoutEndIsPassedOverWhenItIsTooLong() {
        var converter = LineConverter()
        let junk = [UInt8](repeating: UInt8(ascii: "j"), count: LineConverter.lineLimit)
        #expect(junk.withUnsafeBytes { converter.convert($0) } == junk.count)
        #expect(converter.isPassingLine)
        let rest = Array("junk\n{\"log\":\"x\\n\",\"stream\":\"stdout\",\"time\":\"\(time)\"}\n".utf8)
        #expect(rest.withUnsafeBytes { converter.convert($0) } == rest.count)
        #expect(String(decoding: converter.output.bytes, as: UTF8.self) == "\(time) stdout F x\n")
        #expect(converter.lines == 1)
    }

    @Test(arguments: [
        ("2026-03-01T10:00:00.12Z", "2026-03-01T10:00:00.1Z", true),
        ("2026-03-01T10:00:00.1Z", "2026-03-01T10:00:00.12Z", false),
        ("2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z", false),
        ("2026-03-01T10:00:01Z", "2026-03-01T10:00:00.999999999Z", true),
        ("2026-03-01T10:00:00.000000001Z", "2026-03-01T10:00:00Z", true),
    ])
    func times(first: String, second: String, isLater: Bool) {
        #expect(Timestamp.isLater(Array(first.utf8), than: Array(second.utf8)) == isLater)
    }
}

@Suite struct ConverterFuzz {
    /// Whatever the bytes are, everything is consumed, nothing is longer than a line may be, every line is a CRI line, and the
    /// result does not depend on how the input is cut.
    @Test func anyBytes() throws {
        var random = SplitMix(seed: 7)
        for round in 0..<3000 {
            let input = Self.input(&random, round)
            let whole = Self.run(input, cuts: [])
            #expect(Self.isCRI(whole))
            let cuts = (0..<3).map { _ in Int(random.next() % UInt64(input.count + 1)) }.sorted()
            #expect(Self.run(input, cuts: cuts) == whole, "round \(round)")
        }
    }

    private static func input(_ random: inout SplitMix, _ round: Int) -> [UInt8] {
        let alphabet = Array(#"{}[]",:\nu0dDlogstreamtime "#.utf8) + [0, 10, 0xC3, 0xFF]
        if round.isMultiple(of: 3) {
            return (0..<Int(random.next() % 400)).map { _ in alphabet[Int(random.next() % UInt64(alphabet.count))] } + [
                10
            ]
        }
        var bytes: [UInt8] = []
        for _ in 0..<4 {
            var line = Array(DockerJSONFile.json("a \"b\" \\ \u{1} é <x>\r\n", "stdout", time).utf8)
            for _ in 0..<Int(random.next() % 4) {
                let place = Int(random.next() % UInt64(line.count))
                switch random.next() % 3 {
                case 0: line[place] = UInt8(truncatingIfNeeded: random.next())
                case 1: line.remove(at: place)
                default: line.insert(alphabet[Int(random.next() % UInt64(alphabet.count))], at: place)
                }
            }
            bytes += line
        }
        return bytes + [10]
    }

    /// Feeds the input up to each cut in turn, as a reader would: from the last consumed byte on.
    private static func run(_ input: [UInt8], cuts: [Int]) -> [UInt8] {
        var converter = LineConverter()
        var output: [UInt8] = []
        var position = 0
        for end in cuts + [input.count] where end > position {
            input[position..<end].withUnsafeBytes { chunk in
                position += converter.convert(chunk)
                output += Array(converter.output.bytes)
            }
        }
        #expect(position == input.count)
        return output
    }

    private static func isCRI(_ output: [UInt8]) -> Bool {
        guard output.isEmpty || output.last == 10 else { return false }
        return output.split(separator: 10).allSatisfy { line in
            let fields = line.split(separator: 32, maxSplits: 3, omittingEmptySubsequences: false).map { Array($0) }
            return fields.count == 4 && fields[0].withUnsafeBytes(Timestamp.isValid)
                && ["stdout", "stderr"].contains(text(fields[1])) && ["P", "F"].contains(text(fields[2]))
        }
    }
}

/// Random numbers that are the same in every run.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
