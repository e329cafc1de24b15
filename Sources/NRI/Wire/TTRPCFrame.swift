internal import NIOCore

/// One message of ttrpc: ten bytes of header, then data.
struct TTRPCFrame: Sendable, Equatable {
    /// The most bytes of data that either side takes.
    static let dataLimit = 4 << 20
    static let headerLength = 10

    static let request: UInt8 = 1
    static let response: UInt8 = 2

    /// Odd, and growing with each request of a side.
    var stream: UInt32
    var kind: UInt8
    var flags: UInt8 = 0
    var data: [UInt8]
}

/// The logical connections in the one that a plugin has: who serves calls is who names them.
enum Lane {
    /// The plugin serves, we call.
    static let plugin: UInt32 = 1
    /// We serve, the plugin calls.
    static let runtime: UInt32 = 2

    static let headerLength = 8
    static let payloadLimit = TTRPCFrame.headerLength + TTRPCFrame.dataLimit
}

extension TTRPCFrame {
    /// How much of a message goes first; Go's plugins read into a buffer of that size and refuse a longer first part.
    private static let firstPart = 4096

    /// The frame as it goes on the wire, within `lane`.
    func write(to buffer: inout ByteBuffer, lane: UInt32) {
        var message = ByteBuffer()
        message.reserveCapacity(Self.headerLength + data.count)
        message.writeMultipleIntegers(UInt32(data.count), stream)
        message.writeMultipleIntegers(kind, flags)
        message.writeBytes(data)
        while message.readableBytes > 0 {
            let isFirst = message.readableBytes == Self.headerLength + data.count
            let count = isFirst ? min(Self.firstPart, message.readableBytes) : message.readableBytes
            guard var part = message.readSlice(length: count) else { return }
            buffer.writeMultipleIntegers(lane, UInt32(count))
            buffer.writeBuffer(&part)
        }
    }
}

/// Takes a plugin's bytes apart: lanes, and messages in them. The bytes are the plugin's and may be anything.
struct FrameReader {
    /// What breaks the protocol.
    struct Malformed: Error, CustomStringConvertible {
        let description: String
    }

    private var trunk = ByteBuffer()
    private var lanes: [UInt32: ByteBuffer] = [Lane.plugin: ByteBuffer(), Lane.runtime: ByteBuffer()]

    /// Takes more bytes in.
    mutating func take(_ bytes: inout ByteBuffer) { trunk.writeBuffer(&bytes) }

    /// The next whole message and its lane; nil until more bytes come.
    mutating func next() throws -> (lane: UInt32, frame: TTRPCFrame)? {
        while true {
            for lane in [Lane.plugin, Lane.runtime] {
                if let frame = try nextFrame(in: lane) { return (lane, frame) }
            }
            guard try fillLane() else { return nil }
        }
    }

    private mutating func nextFrame(in lane: UInt32) throws -> TTRPCFrame? {
        guard var buffer = lanes[lane], buffer.readableBytes >= TTRPCFrame.headerLength,
            let length = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self)
        else { return nil }
        guard length <= TTRPCFrame.dataLimit else { throw Malformed(description: "a message of \(length) bytes") }
        guard buffer.readableBytes >= TTRPCFrame.headerLength + Int(length),
            let (_, stream) = buffer.readMultipleIntegers(as: (UInt32, UInt32).self),
            let (kind, flags) = buffer.readMultipleIntegers(as: (UInt8, UInt8).self),
            let data = buffer.readBytes(length: Int(length))
        else { return nil }
        buffer.discardReadBytes()
        lanes[lane] = buffer
        return TTRPCFrame(stream: stream, kind: kind, flags: flags, data: data)
    }

    /// Moves one part from the trunk to its lane; answers whether there was one.
    private mutating func fillLane() throws -> Bool {
        guard let length = trunk.getInteger(at: trunk.readerIndex + 4, as: UInt32.self) else { return false }
        guard length <= Lane.payloadLimit else { throw Malformed(description: "a part of \(length) bytes") }
        guard trunk.readableBytes >= Lane.headerLength + Int(length),
            let (lane, _) = trunk.readMultipleIntegers(as: (UInt32, UInt32).self),
            var part = trunk.readSlice(length: Int(length))
        else { return false }
        // Of lanes that nobody has opened nothing is kept, as in the reference implementation.
        lanes[lane]?.writeBuffer(&part)
        trunk.discardReadBytes()
        return true
    }
}
