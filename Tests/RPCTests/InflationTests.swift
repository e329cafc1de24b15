import CGRPC
import Testing

@testable import RPC

@Suite struct InflationTests {
    /// zlib's own compression of `bytes`.
    private func compressed(_ bytes: [UInt8]) -> [UInt8] {
        var count = compressBound(uLong(bytes.count))
        var target = [UInt8](repeating: 0, count: Int(count))
        let result = compress(&target, &count, bytes, uLong(bytes.count))
        #expect(result == Z_OK)
        return Array(target.prefix(Int(count)))
    }

    @Test(arguments: [0, 1, 1000, 65536, 65537, 1_000_000])
    func undoesCompression(size: Int) throws {
        let bytes = [UInt8](repeating: 9, count: size)
        let inflated = try Inflation.inflate(compressed(bytes), limit: size)
        #expect(inflated == bytes)
    }

    @Test(arguments: [1, 65536, 1_000_000])
    func stopsAtTheLimit(size: Int) {
        let bytes = compressed([UInt8](repeating: 9, count: size))
        let error = #expect(throws: RPCError.self) { try Inflation.inflate(bytes, limit: size - 1) }
        #expect(error?.code == .resourceExhausted)
    }

    @Test func brokenInput() {
        let good = compressed(Array("some text that is compressed".utf8))
        for bytes in [[], [1, 2, 3], Array(good.dropLast()), [UInt8](repeating: 0xff, count: 100)] {
            let error = #expect(throws: RPCError.self) { try Inflation.inflate(bytes, limit: 1000) }
            #expect(error?.code == .internal)
        }
    }
}
