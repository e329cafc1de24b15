internal import CGRPC

/// Undoes the compression of a request, up to a limit.
///
/// The core would do it as well, but it looks at the size only afterwards: a few kilobytes could fill the memory.
enum Inflation {
    /// `bytes` without their gzip or zlib framing.
    ///
    /// Throws ``RPCError``: ResourceExhausted when there are more than `limit` bytes, Internal when `bytes` are broken.
    static func inflate(_ bytes: [UInt8], limit: Int) throws -> [UInt8] {
        var stream = z_stream()
        // The largest window (15), and 32 to tell gzip from zlib by the header.
        guard inflateInit2_(&stream, 15 + 32, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw RPCError(.resourceExhausted, "no memory to decompress the request")
        }
        defer { inflateEnd(&stream) }
        var inflated: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        var result = Z_OK
        try bytes.withUnsafeBufferPointer { input in
            stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.avail_in = uInt(input.count)
            while result == Z_OK {
                let count = chunk.withUnsafeMutableBufferPointer { output in
                    stream.next_out = output.baseAddress
                    stream.avail_out = uInt(output.count)
                    result = CGRPC.inflate(&stream, Z_NO_FLUSH)
                    return output.count - Int(stream.avail_out)
                }
                guard inflated.count + count <= limit else {
                    throw RPCError(.resourceExhausted, "request is larger than the limit of \(limit) once decompressed")
                }
                inflated += chunk[..<count]
            }
        }
        guard result == Z_STREAM_END else { throw RPCError(.internal, "the request's compression is broken") }
        return inflated
    }
}
