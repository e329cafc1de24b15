import SwiftProtobuf
import Testing

@testable import RPC

@Suite struct BlockTests {
    @Test func framesLikeARepeatedField() throws {
        var set = Google_Protobuf_FileDescriptorSet()
        set.file = [.with { $0.name = "a.proto" }, .with { $0.name = String(repeating: "b", count: 300) }]
        let entries = try set.file.map { Block(field: 1, encoded: try $0.serializedBytes()) }
        #expect(try Payload(entries).bytes == set.serializedBytes())
        #expect(Payload(entries).count == Payload(entries).bytes.count)
    }

    @Test func messageEncodesIntoABlock() throws {
        let message = Google_Protobuf_FileDescriptorProto.with { $0.name = "name.proto" }
        let block: Block = try message.serializedBytes()
        #expect(try Payload(block).bytes == message.serializedBytes())
    }

    @Test func writingDoesNotReachACopy() {
        let original = Block([1, 2, 3])
        var copy = original
        copy.withUnsafeMutableBytes { $0[0] = 9 }
        #expect(Payload(original).bytes == [1, 2, 3])
        #expect(Payload(copy).bytes == [9, 2, 3])
    }

    @Test func emptyPayload() {
        #expect(Payload().count == 0)
        #expect(Payload([]).bytes == [])
    }
}
