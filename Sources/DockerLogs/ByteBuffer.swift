internal import Glibc

/// Growable memory that is filled from the front and emptied as a whole; it keeps its room.
final class ByteBuffer {
    private(set) var base: UnsafeMutablePointer<UInt8>
    private(set) var capacity: Int
    private(set) var count = 0

    init(capacity: Int) {
        self.capacity = max(capacity, 64)
        base = .allocate(capacity: self.capacity)
    }

    deinit {
        base.deallocate()
    }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    func append(_ byte: UInt8) {
        reserve(1)
        base[count] = byte
        count += 1
    }

    func append(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress, bytes.count > 0 else { return }
        reserve(bytes.count)
        memcpy(base + count, start, bytes.count)
        count += bytes.count
    }

    func append(_ text: StaticString) {
        append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Where `length` bytes more can be written, to be counted by ``fill(_:)`` then.
    func room(_ length: Int) -> UnsafeMutablePointer<UInt8> {
        reserve(length)
        return base + count
    }

    /// Counts bytes written into ``room(_:)``.
    func fill(_ length: Int) {
        count += length
    }

    /// Forgets everything from `length` on.
    func truncate(to length: Int) {
        count = min(count, length)
    }

    /// Replaces one byte that is already there.
    func set(_ index: Int, _ byte: UInt8) {
        precondition(index < count)
        base[index] = byte
    }

    private func reserve(_ more: Int) {
        guard count + more > capacity else { return }
        grow(more)
    }

    private func grow(_ more: Int) {
        let larger = max(capacity * 2, count + more)
        let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        moved.update(from: base, count: count)
        base.deallocate()
        base = moved
        capacity = larger
    }
}

extension UnsafeRawBufferPointer {
    /// The index of the first `byte` in `range`, by memchr(3).
    func index(of byte: UInt8, in range: Range<Int>) -> Int? {
        guard let start = baseAddress, !range.isEmpty else { return nil }
        guard let found = memchr(start + range.lowerBound, CInt(byte), range.count) else { return nil }
        return UnsafeRawPointer(found) - start
    }

    /// Whether the bytes in `range` are `text`.
    func matches(_ text: StaticString, in range: Range<Int>) -> Bool {
        guard let start = baseAddress, range.count == text.utf8CodeUnitCount else { return false }
        return memcmp(start + range.lowerBound, text.utf8Start, range.count) == 0
    }
}
