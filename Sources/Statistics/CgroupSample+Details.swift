extension CgroupSample {
    /// What only metrics show.
    public struct Details: Sendable, Equatable {
        /// The highest memory usage seen, bytes.
        public var peakMemory: UInt64 = 0
        /// Memory of the kernel for it, bytes.
        public var kernelMemory: UInt64 = 0
        /// How often usage met the limit.
        public var memoryFailures: UInt64 = 0
        /// Processes that the OOM killer ended.
        public var oomKills: UInt64 = 0
        /// The soft limit on memory, bytes; nil for none.
        public var memoryReservation: UInt64?
        /// CPU shares on the v1 scale.
        public var cpuShares: UInt64 = 0
        /// CPU time a period, microseconds; nil for no limit.
        public var cpuQuota: UInt64?
        /// The period, microseconds.
        public var cpuPeriod: UInt64 = 0
        /// Tasks, which are threads.
        public var tasks: UInt64 = 0
        /// The limit on tasks; nil for none.
        public var taskLimit: UInt64?
        /// Block devices read or written.
        public var devices: [Device] = []
        /// Huge pages by size.
        public var hugepages: [Hugepages] = []

        /// Nothing used and no limits.
        public init() {}
    }

    /// Input and output on a block device.
    public struct Device: Sendable, Equatable {
        /// The device's major number.
        public var major: UInt32
        /// The device's minor number.
        public var minor: UInt32
        /// Its path, such as `/dev/vda`; its number when it has none.
        public var path: String
        /// Bytes read.
        public var readBytes: UInt64 = 0
        /// Bytes written.
        public var writtenBytes: UInt64 = 0
        /// Reads, a count.
        public var reads: UInt64 = 0
        /// Writes, a count.
        public var writes: UInt64 = 0

        /// A device that was not used yet.
        public init(major: UInt32, minor: UInt32, path: String) {
            self.major = major
            self.minor = minor
            self.path = path
        }
    }

    /// Huge pages of one size.
    public struct Hugepages: Sendable, Equatable {
        /// The size as control files name it: `2MB`.
        public var size: String
        /// Bytes in use.
        public var usage: UInt64 = 0
        /// The most bytes in use so far; 0 where the kernel does not keep it.
        public var peak: UInt64 = 0
    }
}
