import Testing

@testable import DockerEngine

@Suite struct FrameDecoderTests {
    static let wire: [UInt8] =
        frame(1, "out") + frame(2, "error") + frame(1, "") + frame(0, "i") + frame(3, "daemon")
        + frame(1, String(repeating: "x", count: 300))

    static func frame(_ stream: UInt8, _ text: String) -> [UInt8] {
        let count = UInt32(text.utf8.count)
        return [stream, 0, 0, 0] + (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) } + Array(text.utf8)
    }

    private static func joined(_ frames: [StreamFrame]) -> [String] {
        var texts: [String] = []
        var last: StreamFrame.Stream?
        for frame in frames {
            if frame.stream == last, let text = texts.popLast() {
                texts.append(text + String(decoding: frame.bytes, as: UTF8.self))
            } else {
                texts.append("\(frame.stream):" + String(decoding: frame.bytes, as: UTF8.self))
            }
            last = frame.stream
        }
        return texts
    }

    private static let expected = [
        "stdout:out", "stderr:error", "stdin:i", "systemError:daemon", "stdout:" + String(repeating: "x", count: 300),
    ]

    @Test(arguments: 0...FrameDecoderTests.wire.count)
    func framesAreFoundWhereverTheStreamIsCut(at cut: Int) throws {
        var decoder = FrameDecoder()
        let frames = try decoder.decode(Array(Self.wire[..<cut])) + decoder.decode(Array(Self.wire[cut...]))
        #expect(Self.joined(frames) == Self.expected)
        #expect(decoder.isBetweenFrames)
    }

    @Test func framesAreFoundByteByByte() throws {
        var decoder = FrameDecoder()
        let frames = try Self.wire.flatMap { try decoder.decode([$0]) }
        #expect(Self.joined(frames) == Self.expected)
    }

    @Test(
        arguments: [
            [4, 0, 0, 0, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0, 0, 1], [1, 0, 0, 9, 0, 0, 0, 1], Array("HTTP/1.1".utf8),
        ] as [[UInt8]])
    func whatIsNoFrameIsRefused(bytes: [UInt8]) {
        var decoder = FrameDecoder()
        #expect(throws: DockerError.self) { try decoder.decode(bytes) }
    }

    @Test func anUnfinishedFrameIsSeen() throws {
        var decoder = FrameDecoder()
        _ = try decoder.decode([1, 0, 0])
        #expect(!decoder.isBetweenFrames)
        _ = try decoder.decode([0, 0, 0, 0, 2, 65])
        #expect(!decoder.isBetweenFrames)
    }
}
