import NIOCore
import Testing

@testable import Streaming

struct SPDYTests {
    static let frames: [SPDYFrame] = [
        .data(stream: 1, isLast: false, bytes: ByteBuffer(string: "hello")),
        .data(stream: 3, isLast: true, bytes: ByteBuffer()),
        .synStream(stream: 5, isLast: false, headers: ByteBuffer(string: "block")),
        .synReply(stream: 5, isLast: true, headers: ByteBuffer(string: "block")),
        .reset(stream: 7, status: SPDYFrame.Status.cancel),
        .ping(id: 9), .goAway(lastStream: 11, status: 0), .windowUpdate(stream: 13, delta: 100),
        .headers(stream: 15, isLast: false, headers: ByteBuffer(string: "block")), .settings, .unknown(type: 77),
    ]

    static func encoded() -> ByteBuffer {
        var wire = ByteBuffer()
        for frame in frames { wire.write(frame) }
        return wire
    }

    @Test(arguments: [1, 2, 3, 7, 8, 13, 1000])
    func framesSurviveAnyCut(step: Int) throws {
        var wire = Self.encoded()
        var decoder = SPDYFrameDecoder()
        var read: [SPDYFrame] = []
        while let piece = wire.readSlice(length: min(step, wire.readableBytes)), piece.readableBytes > 0 {
            decoder.append(piece)
            while let frame = try decoder.next() { read.append(frame) }
        }
        #expect(read == Self.frames)
    }

    @Test(
        arguments: [
            [0x80, 0x02, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1],  // version 2
            [0x80, 0x03, 0, 1, 0, 0, 0, 2, 0, 0],  // a short SYN_STREAM
            [0x80, 0x03, 0, 4, 0, 0, 0, 4, 0xFF, 0xFF, 0xFF, 0xFF],  // SETTINGS that claims more than it has
            [0, 0, 0, 1, 0, 0xFF, 0xFF, 0xFF],  // above the limit
            [0, 0, 0, 0, 0, 0, 0, 1, 65],  // data for the connection itself
        ] as [[UInt8]])
    func brokenFramesAreErrors(bytes: [UInt8]) {
        var decoder = SPDYFrameDecoder()
        decoder.append(ByteBuffer(bytes: bytes))
        #expect(throws: SPDYError.self) { while try decoder.next() != nil {} }
    }

    @Test func randomBytesNeverCrashTheDecoder() {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<20_000 {
            var decoder = SPDYFrameDecoder(limit: 256)
            var bytes = (0..<Int.random(in: 0..<64, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            if Bool.random(using: &generator), bytes.count > 4 {
                bytes.replaceSubrange(0..<4, with: [0x80, 3, 0, bytes[3] % 12])
            }
            decoder.append(ByteBuffer(bytes: bytes))
            do { while try decoder.next() != nil {} } catch {}
        }
    }

    @Test func headersSurviveTheSharedCompression() throws {
        let writer = try SPDYHeaderWriter()
        let reader = try SPDYHeaderReader()
        for number in 0..<50 {
            let headers = [("streamtype", "error"), ("port", "\(number)"), ("requestid", "\(number / 2)")]
            let read = try reader.read(try writer.write(headers))
            #expect(read == Dictionary(uniqueKeysWithValues: headers))
        }
        #expect(try reader.read(try writer.write([])).isEmpty)
    }

    @Test func aHeaderBombIsRefused() throws {
        let writer = try SPDYHeaderWriter()
        let block = try writer.write([("a", String(repeating: "x", count: 10 << 20))])
        #expect(block.readableBytes < 64 << 10)
        #expect(throws: SPDYError.self) { _ = try SPDYHeaderReader().read(block) }
    }

    @Test func mutatedHeaderBlocksNeverCrashTheReader() throws {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<5_000 {
            var bytes = Array(try SPDYHeaderWriter().write([("streamtype", "data"), ("port", "80")]).readableBytesView)
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            _ = try? SPDYHeaderReader().read(ByteBuffer(bytes: bytes))
        }
    }
}

/// The same numbers in every run.
struct SeededGenerator: RandomNumberGenerator {
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
