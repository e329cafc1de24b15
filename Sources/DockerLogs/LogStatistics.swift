/// What the follower has done since it was made; every number only grows, but ``following``.
public struct LogStatistics: Sendable, Equatable {
    /// Containers being followed now.
    public var following = 0
    /// Docker entries converted.
    public var lines: UInt64 = 0
    /// Bytes written to CRI logs.
    public var bytes: UInt64 = 0
    /// Lines of Docker's file that were no log entry and were left out.
    public var malformedLines: UInt64 = 0
    /// Entries that Docker deleted while the CRI log could not be written.
    public var droppedLines: UInt64 = 0
    /// Bytes of Docker's file in those entries.
    public var droppedBytes: UInt64 = 0
    /// Places where Docker may have deleted or truncated what had not been read yet.
    public var gaps: UInt64 = 0
    /// Times when writing a CRI log began to fail (ENOSPC, EDQUOT, EIO …); a run of failures counts once.
    public var writeFailures: UInt64 = 0

    /// All zero.
    public init() {}
}
