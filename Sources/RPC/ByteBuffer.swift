internal import CGRPC

/// Messages between Swift and the core.
enum ByteBuffer {
    /// A byte buffer over the payload's blocks; the core holds a reference to each until it has been sent.
    ///
    /// The caller destroys it, also after a batch has taken its slices.
    static func make(_ payload: Payload) -> UnsafeMutablePointer<grpc_byte_buffer>? {
        withUnsafeTemporaryAllocation(of: grpc_slice.self, capacity: payload.blocks.count) { slices in
            var count = 0
            for block in payload.blocks where block.count > 0 {
                slices[count] = slice(block)
                count += 1
            }
            defer { for slice in slices[..<count] { grpc_slice_unref(slice) } }
            return grpc_raw_byte_buffer_create(slices.baseAddress, count)
        }
    }

    private static func slice(_ block: Block) -> grpc_slice {
        let bytes = block.storage.bytes
        return grpc_slice_new_with_user_data(
            bytes.baseAddress, bytes.count, { Unmanaged<Block.Storage>.fromOpaque($0!).release() },
            Unmanaged.passRetained(block.storage).toOpaque())
    }

    /// A copy of a received message. The buffer is destroyed.
    static func take(_ buffer: UnsafeMutablePointer<grpc_byte_buffer>) -> [UInt8] {
        defer { grpc_byte_buffer_destroy(buffer) }
        var reader = grpc_byte_buffer_reader()
        guard grpc_byte_buffer_reader_init(&reader, buffer) != 0 else { return [] }
        defer { grpc_byte_buffer_reader_destroy(&reader) }
        return [UInt8](unsafeUninitializedCapacity: grpc_byte_buffer_length(buffer)) { target, count in
            var slice: UnsafeMutablePointer<grpc_slice>?
            while grpc_byte_buffer_reader_peek(&reader, &slice) != 0, let slice {
                let length = fender_grpc_slice_length(slice)
                target.baseAddress.map { ($0 + count).update(from: fender_grpc_slice_start(slice), count: length) }
                count += length
            }
        }
    }

    /// A copy of a slice.
    static func bytes(_ slice: grpc_slice) -> [UInt8] {
        withUnsafePointer(to: slice) { slice in
            [UInt8](
                UnsafeBufferPointer(start: fender_grpc_slice_start(slice), count: fender_grpc_slice_length(slice)))
        }
    }

    /// A copy of a slice as text.
    static func text(_ slice: grpc_slice) -> String {
        withUnsafePointer(to: slice) { slice in
            String(
                decoding: UnsafeBufferPointer(
                    start: fender_grpc_slice_start(slice), count: fender_grpc_slice_length(slice)), as: UTF8.self)
        }
    }

    /// A slice with a copy of a text; the caller gives up its reference.
    static func slice(_ text: String) -> grpc_slice {
        var text = text
        return text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { grpc_slice_from_copied_buffer($0.baseAddress, $0.count) }
        }
    }
}
