internal import CZstd

/// zstd (RFC 8878): frames one after the other. The library's limit of 128 MiB for a window bounds the memory.
final class ZstdInflater {
    private let stream: OpaquePointer
    /// What the library expects still of the frame; 0 at its end.
    private var expected = 0

    init() throws {
        guard let stream = ZSTD_createDStream() else { throw ImageError(.failed, "zstd: out of memory") }
        self.stream = stream
    }

    deinit {
        ZSTD_freeDStream(stream)
    }

    func feed(_ bytes: UnsafeRawBufferPointer, into output: inout BoundedOutput) throws {
        var input = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
        var isFull = true
        while input.pos < input.size || isFull {
            isFull = try output.fill { room in
                var buffer = ZSTD_outBuffer(dst: room.baseAddress, size: room.count, pos: 0)
                let before = input.pos
                let code = ZSTD_decompressStream(stream, &buffer, &input)
                guard ZSTD_isError(code) == 0 else {
                    throw ImageError(.invalid, "zstd: \(String(cString: ZSTD_getErrorName(code)))")
                }
                // Asked with neither input nor output left, the library wants the header of another frame.
                if buffer.pos > 0 || input.pos > before { expected = code }
                return buffer.pos
            }
        }
    }

    func finish() throws {
        guard expected == 0 else { throw ImageError(.invalid, "zstd: the data ends early") }
    }
}
