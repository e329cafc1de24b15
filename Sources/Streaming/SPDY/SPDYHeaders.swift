internal import CZlib
internal import NIOCore

/// The compression of header blocks: one zlib stream in each direction for the whole connection, with the preset
/// dictionary, flushed after every block. A block that cannot be read ends the connection, since the state is shared.
final class SPDYHeaderReader {
    private var stream = z_stream()

    /// The most bytes a block may inflate to, and the most headers in it (header bombs).
    static let blockLimit = 64 << 10
    static let countLimit = 1000

    init() throws {
        guard fender_inflate_init(&stream) == Z_OK else { throw SPDYError("inflateInit") }
    }

    deinit { inflateEnd(&stream) }

    /// Names (lower case) and values of a block; several values of one name are joined by NUL.
    func read(_ block: ByteBuffer) throws -> [String: String] {
        var plain = try inflate(block)
        guard let count = plain.readInteger(as: UInt32.self), count <= Self.countLimit else {
            throw SPDYError("header block without a sane count")
        }
        var headers: [String: String] = [:]
        for _ in 0..<count {
            guard
                let name = plain.readLengthPrefixed(), let value = plain.readLengthPrefixed(), !name.isEmpty
            else { throw SPDYError("truncated header block") }
            headers[name.lowercased()] = value
        }
        return headers
    }

    private func inflate(_ block: ByteBuffer) throws -> ByteBuffer {
        try stream.run(over: block, limit: Self.blockLimit) { stream in
            let code = CZlib.inflate(&stream, Z_SYNC_FLUSH)
            guard code == Z_NEED_DICT else { return code }
            let set = SPDYDictionary.bytes.withUnsafeBufferPointer {
                inflateSetDictionary(&stream, $0.baseAddress, UInt32($0.count))
            }
            guard set == Z_OK else { throw SPDYError("header block with another dictionary") }
            return CZlib.inflate(&stream, Z_SYNC_FLUSH)
        }
    }
}

/// The sending side of ``SPDYHeaderReader``.
final class SPDYHeaderWriter {
    private var stream = z_stream()

    init() throws {
        guard fender_deflate_init(&stream) == Z_OK else { throw SPDYError("deflateInit") }
        let code = SPDYDictionary.bytes.withUnsafeBufferPointer {
            deflateSetDictionary(&stream, $0.baseAddress, UInt32($0.count))
        }
        guard code == Z_OK else { throw SPDYError("deflateSetDictionary") }
    }

    deinit { deflateEnd(&stream) }

    /// A compressed block of these headers.
    func write(_ headers: [(String, String)]) throws -> ByteBuffer {
        var plain = ByteBuffer()
        plain.writeInteger(UInt32(headers.count))
        for (name, value) in headers {
            plain.writeInteger(UInt32(name.utf8.count))
            plain.writeString(name)
            plain.writeInteger(UInt32(value.utf8.count))
            plain.writeString(value)
        }
        return try write(plain: plain)
    }

    /// A compressed block with these bytes.
    func write(plain: ByteBuffer) throws -> ByteBuffer {
        try stream.run(over: plain, limit: .max) { CZlib.deflate(&$0, Z_SYNC_FLUSH) }
    }
}

extension z_stream {
    /// Feeds the whole of `block` to `step`, which is inflate or deflate, and returns all that comes out of it.
    fileprivate mutating func run(
        over block: ByteBuffer, limit: Int, _ step: (inout z_stream) throws -> CInt
    ) throws -> ByteBuffer {
        var input = Array(block.readableBytesView)
        var output = ByteBuffer()
        var chunk = [UInt8](repeating: 0, count: 4096)
        try input.withUnsafeMutableBufferPointer { input in
            next_in = input.baseAddress
            avail_in = UInt32(input.count)
            defer { next_in = nil }
            while true {
                let code = try chunk.withUnsafeMutableBufferPointer { chunk in
                    next_out = chunk.baseAddress
                    avail_out = UInt32(chunk.count)
                    return try step(&self)
                }
                output.writeBytes(chunk[..<(chunk.count - Int(avail_out))])
                guard output.readableBytes <= limit else { throw SPDYError("header block is too large") }
                switch code {
                case Z_OK where avail_in > 0 || avail_out == 0: continue
                case Z_OK, Z_BUF_ERROR: return
                default: throw SPDYError("header block: zlib error \(code)")
                }
            }
        }
        return output
    }
}

extension ByteBuffer {
    fileprivate mutating func readLengthPrefixed() -> String? {
        guard let length = readInteger(as: UInt32.self), length <= readableBytes else { return nil }
        return readString(length: Int(length))
    }
}
