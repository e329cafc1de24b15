import Testing

@testable import DockerLogs

@Suite struct CheckpointTests {
    private static let output = Checkpoint.Output(file: FileID(device: 65024, inode: 99), size: -17)
    private static let source = Checkpoint.Source(
        file: FileID(device: 7, inode: .max), offset: 3, tail: [0, 10, 255], isPassingLine: true,
        notBefore: Array("2026-03-01T10:00:00Z".utf8))

    @Test(arguments: [
        Checkpoint(current: .init(output: output)),
        Checkpoint(current: .init(source: source, output: output)),
        Checkpoint(current: .init(source: source, output: output), previous: .init(output: output)),
        Checkpoint(
            current: .init(source: .init(file: FileID(device: 1, inode: 2)), output: output),
            previous: .init(source: source, output: output)),
    ])
    func comesBackAsItWas(checkpoint: Checkpoint) {
        #expect(Checkpoint(encoded: checkpoint.encoded) == checkpoint)
    }

    @Test func anythingElseIsNone() {
        let whole = Checkpoint(
            current: .init(source: Self.source, output: Self.output), previous: .init(output: Self.output)
        ).encoded
        for length in 0..<whole.count - 1 {
            #expect(Checkpoint(encoded: Array(whole[..<length])) == nil, "\(length)")
        }
        #expect(Checkpoint(encoded: [UInt8](repeating: 0, count: whole.count)) == nil)
        for (right, wrong) in [(" 3 ", " 4 "), (" -17", " -9223372036854775808"), (" 000aff ", " - "), (" 99 ", " x ")]
        {
            let changed = text(whole).replacing(right, with: wrong)
            #expect(Checkpoint(encoded: Array(changed.utf8)) == nil, "\(wrong)")
        }
        #expect(Checkpoint(encoded: Array("fender-log 2".utf8) + whole.dropFirst(12)) == nil)
    }
}
