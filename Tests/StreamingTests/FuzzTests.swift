import Linux
import Testing

/// What the fuzzer has found worth keeping, once more.
struct FuzzTests {
    static let corpus = "\(#filePath)".split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/Corpus"

    @Test(arguments: FuzzTarget.allCases)
    func theCorpusHolds(target: FuzzTarget) async throws {
        let directory = "\(Self.corpus)/\(target.rawValue)"
        let names = try Files.names(in: directory)
        #expect(names.count > 10)
        for name in names { try await target.run(Files.read("\(directory)/\(name)")) }
    }

    /// A parser that takes time by the square of what it reads would not end here.
    @Test func manySmallSizesAreReadInTime() async throws {
        try await FuzzTarget.resize.run([255] + Array(repeating: UInt8(ascii: "}"), count: 1 << 18))
    }
}
