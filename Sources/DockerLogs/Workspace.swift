internal import Glibc

/// What the followers share while one of them is at work: the buffers, the clock and the count of what was done.
final class Workspace {
    var converter = LineConverter()
    var statistics = LogStatistics()
    private let input = UnsafeMutableRawBufferPointer.allocate(
        byteCount: SourceFile.tailLength + LineConverter.lineLimit, alignment: 16)
    private var tailCount = 0

    deinit {
        input.deallocate()
    }

    /// Nanoseconds of the monotonic clock.
    static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Reads what follows `position`, up to ``LineConverter/lineLimit`` bytes; nil if the file was truncated since.
    ///
    /// The bytes before the position are read along and compared: a file that was truncated and has grown again shows
    /// in them only.
    func read(_ source: SourceFile, at position: Checkpoint.Source) throws -> UnsafeRawBufferPointer? {
        tailCount = position.tail.count
        let room = UnsafeMutableRawBufferPointer(rebasing: input[..<(tailCount + LineConverter.lineLimit)])
        let count = try source.read(into: room, at: position.offset - tailCount)
        guard count >= tailCount, position.tail.elementsEqual(input[..<tailCount]) else { return nil }
        return UnsafeRawBufferPointer(rebasing: input[tailCount..<count])
    }

    /// The position after `count` bytes of the last read, with the converter's state.
    func position(after count: Int, of position: Checkpoint.Source) -> Checkpoint.Source {
        var position = position
        position.offset += count
        let end = tailCount + count
        position.tail.replaceSubrange(0..., with: input[max(0, end - SourceFile.tailLength)..<end])
        position.isPassingLine = converter.isPassingLine
        position.notBefore = converter.notBefore
        return position
    }
}

extension UInt64 {
    /// This time of the monotonic clock and `duration` more.
    func advanced(by duration: Duration) -> UInt64 {
        let (seconds, attoseconds) = duration.components
        guard seconds < 1 << 32 else { return .max }
        return self + UInt64(Swift.max(seconds, 0)) * 1_000_000_000 + UInt64(Swift.max(attoseconds, 0) / 1_000_000_000)
    }
}
