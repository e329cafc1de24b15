internal import CISAL

/// gzip (RFC 1952) by ISA-L: members one after the other, their checksums compared, zeros allowed behind the last.
final class GzipInflater {
    private let state: UnsafeMutablePointer<inflate_state>
    /// Whether a member has ended and no other begun.
    private var isBetween = false

    init() throws {
        state = .allocate(capacity: 1)
        isal_inflate_init(state)
        state.pointee.crc_flag = UInt32(ISAL_GZIP)
    }

    deinit {
        state.deallocate()
    }

    func feed(_ bytes: UnsafeRawBufferPointer, into output: inout BoundedOutput) throws {
        var rest = bytes
        while !rest.isEmpty {
            if isBetween {
                rest = UnsafeRawBufferPointer(rebasing: rest.drop { $0 == 0 })
                guard let first = rest.first else { return }
                guard first == 0x1f else { throw ImageError(.invalid, "gzip: something else behind the end") }
                isal_inflate_reset(state)
                state.pointee.crc_flag = UInt32(ISAL_GZIP)
                isBetween = false
            }
            rest = try inflate(rest, into: &output)
        }
    }

    func finish() throws {
        guard isBetween else { throw ImageError(.invalid, "gzip: the data ends early") }
    }

    /// Inflates until the input is used up or a member ends; answers what is left.
    private func inflate(
        _ bytes: UnsafeRawBufferPointer, into output: inout BoundedOutput
    ) throws -> UnsafeRawBufferPointer {
        // ISA-L does not write to its input; its headers lack the const.
        state.pointee.next_in = UnsafeMutableRawPointer(mutating: bytes.baseAddress)?
            .assumingMemoryBound(to: UInt8.self)
        state.pointee.avail_in = UInt32(bytes.count)
        var isFull = true
        // ISA-L takes input or gives output in each call, until a member ends.
        while !isBetween && (state.pointee.avail_in > 0 || isFull) {
            isFull = try output.fill { room in
                state.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
                state.pointee.avail_out = UInt32(room.count)
                let code = isal_inflate(state)
                guard code >= 0 else { throw ImageError(.invalid, "gzip: damaged data (\(code))") }
                return room.count - Int(state.pointee.avail_out)
            }
            isBetween = state.pointee.block_state == ISAL_BLOCK_FINISH
        }
        return UnsafeRawBufferPointer(rebasing: bytes.suffix(Int(state.pointee.avail_in)))
    }
}
