internal import NIOCore

/// A frame of SPDY/3.1 with its header block still compressed.
enum SPDYFrame: Equatable {
    case data(stream: UInt32, isLast: Bool, bytes: ByteBuffer)
    case synStream(stream: UInt32, isLast: Bool, headers: ByteBuffer)
    case synReply(stream: UInt32, isLast: Bool, headers: ByteBuffer)
    case reset(stream: UInt32, status: UInt32)
    case settings
    case ping(id: UInt32)
    case goAway(lastStream: UInt32, status: UInt32)
    case headers(stream: UInt32, isLast: Bool, headers: ByteBuffer)
    case windowUpdate(stream: UInt32, delta: UInt32)
    /// A control frame of an unknown type: to be ignored.
    case unknown(type: UInt16)

    /// RST_STREAM status codes.
    enum Status {
        static let protocolError: UInt32 = 1
        static let refused: UInt32 = 3
        static let cancel: UInt32 = 5
        static let internalError: UInt32 = 6
    }
}

/// Why a peer's bytes cannot be read any further.
struct SPDYError: Error, Equatable, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = "SPDY: \(description)" }
}

/// Cuts a stream of bytes into frames. The largest frame the format has is 16 MiB; what may be buffered is less.
struct SPDYFrameDecoder {
    private var buffer = ByteBuffer()
    private let limit: Int

    /// Frames with a body above `limit` bytes are an error.
    init(limit: Int = 1 << 20) { self.limit = limit }

    mutating func append(_ bytes: ByteBuffer) {
        var bytes = bytes
        buffer.discardReadBytes()
        buffer.writeBuffer(&bytes)
    }

    /// The next whole frame; nil when more bytes are needed.
    mutating func next() throws -> SPDYFrame? {
        guard
            let first = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self),
            let second = buffer.getInteger(at: buffer.readerIndex + 4, as: UInt32.self)
        else { return nil }
        let length = Int(second & 0xFF_FFFF)
        guard length <= limit else { throw SPDYError("frame of \(length) bytes") }
        guard buffer.readableBytes >= 8 + length else { return nil }
        buffer.moveReaderIndex(forwardBy: 8)
        guard var body = buffer.readSlice(length: length) else { return nil }
        let flags = UInt8(second >> 24)
        if first & 0x8000_0000 == 0 {
            guard first != 0 else { throw SPDYError("data for stream 0") }
            return .data(stream: first, isLast: flags & 1 != 0, bytes: body)
        }
        let version = UInt16((first >> 16) & 0x7FFF)
        guard version == 3 else { throw SPDYError("version \(version)") }
        return try Self.control(UInt16(first & 0xFFFF), isLast: flags & 1 != 0, &body)
    }

    private static func control(_ type: UInt16, isLast: Bool, _ body: inout ByteBuffer) throws -> SPDYFrame {
        func word() throws -> UInt32 {
            guard let word = body.readInteger(as: UInt32.self) else { throw SPDYError("short frame of type \(type)") }
            return word
        }
        func stream() throws -> UInt32 { try word() & 0x7FFF_FFFF }
        switch type {
        case 1:
            let id = try stream()
            // Associated stream, priority and slot mean nothing here.
            _ = try word()
            guard body.readInteger(as: UInt16.self) != nil else { throw SPDYError("short SYN_STREAM") }
            return .synStream(stream: id, isLast: isLast, headers: body)
        case 2: return .synReply(stream: try stream(), isLast: isLast, headers: body)
        case 3: return .reset(stream: try stream(), status: try word())
        case 4:
            // The count is checked against the length (spdystream, CVE-2026-35469).
            let count = Int(try word())
            guard count <= body.readableBytes / 8 else { throw SPDYError("SETTINGS with \(count) entries") }
            return .settings
        case 6: return .ping(id: try word())
        case 7: return .goAway(lastStream: try stream(), status: try word())
        case 8: return .headers(stream: try stream(), isLast: isLast, headers: body)
        case 9: return .windowUpdate(stream: try stream(), delta: try stream())
        default: return .unknown(type: type)
        }
    }
}

extension ByteBuffer {
    /// Appends a frame in its wire form.
    mutating func write(_ frame: SPDYFrame) {
        switch frame {
        case .data(let stream, let isLast, var bytes):
            writeInteger(stream)
            writeInteger(UInt32(isLast ? 1 << 24 : 0) | UInt32(bytes.readableBytes))
            writeBuffer(&bytes)
        case .synStream(let stream, let isLast, var headers):
            writeControl(1, isLast: isLast, length: 10 + headers.readableBytes)
            writeInteger(stream)
            writeInteger(UInt32(0))
            writeInteger(UInt16(0))
            writeBuffer(&headers)
        case .synReply(let stream, let isLast, var headers):
            writeControl(2, isLast: isLast, length: 4 + headers.readableBytes)
            writeInteger(stream)
            writeBuffer(&headers)
        case .headers(let stream, let isLast, var headers):
            writeControl(8, isLast: isLast, length: 4 + headers.readableBytes)
            writeInteger(stream)
            writeBuffer(&headers)
        case .reset(let stream, let status): writePair(3, stream, status)
        case .goAway(let stream, let status): writePair(7, stream, status)
        case .windowUpdate(let stream, let delta): writePair(9, stream, delta)
        case .ping(let id):
            writeControl(6, isLast: false, length: 4)
            writeInteger(id)
        case .settings:
            writeControl(4, isLast: false, length: 4)
            writeInteger(UInt32(0))
        case .unknown(let type):
            writeControl(type, isLast: false, length: 0)
        }
    }

    private mutating func writeControl(_ type: UInt16, isLast: Bool, length: Int) {
        writeInteger(UInt16(0x8003))
        writeInteger(type)
        writeInteger(UInt32(isLast ? 1 << 24 : 0) | UInt32(length))
    }

    private mutating func writePair(_ type: UInt16, _ first: UInt32, _ second: UInt32) {
        writeControl(type, isLast: false, length: 8)
        writeInteger(first)
        writeInteger(second)
    }
}
