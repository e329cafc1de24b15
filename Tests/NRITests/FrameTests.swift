import NIOCore
import SwiftProtobuf
import Testing

@testable import NRI

@Suite struct FrameTests {
    @Test(arguments: [0, 1, 4085, 4086, 4087, 100_000, TTRPCFrame.dataLimit])
    func whatIsWrittenIsRead(_ size: Int) throws {
        let frame = TTRPCFrame(stream: 7, kind: 1, flags: 2, data: (0..<size).map { UInt8(truncatingIfNeeded: $0) })
        var wire = ByteBuffer()
        frame.write(to: &wire, lane: Lane.runtime)
        var reader = FrameReader()
        reader.take(&wire)
        let read = try #require(try reader.next())
        #expect(read.lane == Lane.runtime)
        #expect(read.frame == frame)
        #expect(try reader.next() == nil)
    }

    /// Go's reader has a buffer of 4096 bytes, and takes no longer part while it reads headers.
    @Test func firstPartIsShort() throws {
        var wire = ByteBuffer()
        TTRPCFrame(stream: 1, kind: 1, data: .init(repeating: 1, count: 10_000)).write(to: &wire, lane: 1)
        #expect(wire.getInteger(at: 4, as: UInt32.self) == 4096)
        #expect(wire.getInteger(at: 8 + 4096 + 4, as: UInt32.self) == UInt32(10_010 - 4096))
    }

    @Test func bytesComeOneByOne() throws {
        let frames = (0..<3).map { TTRPCFrame(stream: $0 * 2 + 1, kind: 2, data: [UInt8(truncatingIfNeeded: $0)]) }
        var wire = ByteBuffer()
        for (number, frame) in frames.enumerated() {
            frame.write(to: &wire, lane: number == 1 ? Lane.plugin : Lane.runtime)
        }
        var reader = FrameReader()
        var read: [TTRPCFrame] = []
        while var byte = wire.readSlice(length: 1) {
            reader.take(&byte)
            while let (_, frame) = try reader.next() { read.append(frame) }
        }
        #expect(read == frames)
    }

    @Test func aMessageMayComeInAnyParts() throws {
        var message = ByteBuffer()
        message.writeMultipleIntegers(UInt32(3), UInt32(5))
        message.writeMultipleIntegers(UInt8(2), UInt8(0))
        message.writeBytes([1, 2, 3])
        var wire = ByteBuffer()
        while var part = message.readSlice(length: min(4, message.readableBytes)), part.readableBytes > 0 {
            wire.writeMultipleIntegers(Lane.plugin, UInt32(part.readableBytes))
            wire.writeBuffer(&part)
        }
        var reader = FrameReader()
        reader.take(&wire)
        #expect(try reader.next()?.frame == TTRPCFrame(stream: 5, kind: 2, data: [1, 2, 3]))
    }

    @Test func unknownLanesAreDropped() throws {
        var wire = ByteBuffer()
        TTRPCFrame(stream: 1, kind: 1, data: [1]).write(to: &wire, lane: 0)
        TTRPCFrame(stream: 1, kind: 1, data: [2]).write(to: &wire, lane: 77)
        TTRPCFrame(stream: 1, kind: 1, data: [3]).write(to: &wire, lane: 1)
        var reader = FrameReader()
        reader.take(&wire)
        #expect(try reader.next()?.frame.data == [3])
        #expect(try reader.next() == nil)
    }

    @Test(arguments: [UInt32.max, UInt32(Lane.payloadLimit + 1), 0x2F32_2E30])
    func lengthsOfPartsAreBounded(_ length: UInt32) {
        var wire = ByteBuffer()
        wire.writeMultipleIntegers(Lane.plugin, length)
        var reader = FrameReader()
        reader.take(&wire)
        #expect(throws: FrameReader.Malformed.self) { try reader.next() }
    }

    @Test(arguments: [UInt32.max, UInt32(TTRPCFrame.dataLimit + 1)])
    func lengthsOfMessagesAreBounded(_ length: UInt32) {
        var wire = ByteBuffer()
        wire.writeMultipleIntegers(Lane.runtime, UInt32(10))
        wire.writeMultipleIntegers(length, UInt32(1))
        wire.writeMultipleIntegers(UInt8(1), UInt8(0))
        var reader = FrameReader()
        reader.take(&wire)
        #expect(throws: FrameReader.Malformed.self) { try reader.next() }
    }

    @Test func anythingMayCome() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            var reader = FrameReader()
            for _ in 0..<4 {
                var bytes = ByteBuffer(
                    bytes: (0..<Int.random(in: 0...64, using: &generator)).map { _ in
                        UInt8.random(in: 0...3, using: &generator)
                    })
                reader.take(&bytes)
                while let next = try? reader.next() { #expect(next.frame.data.count <= TTRPCFrame.dataLimit) }
            }
        }
    }

    @Test(arguments: [
        ("10", "logger", true), ("00", "a.b+c-d_e", true), ("1", "x", false), ("1a", "x", false), ("123", "x", false),
        ("10", "", false), ("10", "a/b", false), ("10", "a b", false), ("१२", "x", false),
    ])
    func names(_ index: String, _ name: String, _ isName: Bool) {
        #expect((PluginName(index: index, name: name) != nil) == isName)
        if isName { #expect(PluginName(file: "\(index)-\(name)")?.full == "\(index)-\(name)") }
    }

    @Test func whatExistsIsCutIntoMessages() throws {
        let pods = (0..<10).map { number in
            var pod = NRIPodSandbox()
            pod.id = "pod\(number)"
            return pod
        }
        let containers = (0..<10).map { number in
            var container = NRIContainer()
            container.id = "container\(number)"
            return container
        }
        let parts = try SynchronizeParts.of(pods, containers, limit: 60)
        #expect(parts.count > 3)
        #expect(parts.dropLast().allSatisfy { $0.more })
        #expect(parts.last?.more == false)
        #expect(parts.flatMap(\.pods) == pods)
        #expect(parts.flatMap(\.containers) == containers)
        for part in parts {
            let bytes: [UInt8] = try part.serializedBytes()
            #expect(bytes.count <= 70)
        }
        #expect(try SynchronizeParts.of([], []) == [NRISynchronizeRequest()])
    }
}
