/// What the files of one cgroup told at one moment. Memory is in bytes, time in nanoseconds unless said otherwise.
public struct CgroupSample: Sendable, Equatable {
    /// CPU time; nil without the controller.
    public var cpu: CPU?
    /// Memory; nil without the controller.
    public var memory: Memory?
    /// Time lost waiting; nil where the kernel does not count it by cgroup.
    public var pressure: (cpu: Pressure?, memory: Pressure?, io: Pressure?) = (nil, nil, nil)
    /// What only metrics show; nil unless it was asked for.
    public var details: Details?

    /// CPU time.
    public struct CPU: Sendable, Equatable {
        /// All of it.
        public var usage: UInt64 = 0
        /// In user mode.
        public var user: UInt64 = 0
        /// In the kernel.
        public var system: UInt64 = 0
        /// Enforcement periods that have passed.
        public var periods: UInt64 = 0
        /// Those in which the quota was used up.
        public var throttledPeriods: UInt64 = 0
        /// Time spent throttled.
        public var throttledTime: UInt64 = 0

        /// Nothing used.
        public init() {}

        init(usage: UInt64) { self.usage = usage }

        /// What two cgroups used together.
        public static func + (left: CPU, right: CPU) -> CPU {
            var sum = left
            sum.usage &+= right.usage
            sum.user &+= right.user
            sum.system &+= right.system
            sum.periods &+= right.periods
            sum.throttledPeriods &+= right.throttledPeriods
            sum.throttledTime &+= right.throttledTime
            return sum
        }
    }

    /// Memory of the cgroup and those below it.
    public struct Memory: Sendable, Equatable {
        /// Everything charged.
        public var usage: UInt64 = 0
        /// Anonymous memory.
        public var rss: UInt64 = 0
        /// Page cache.
        public var cache: UInt64 = 0
        /// Mapped files.
        public var mappedFile: UInt64 = 0
        /// Page cache that is given back first.
        public var inactiveFile: UInt64 = 0
        /// Page faults, a count.
        public var pageFaults: UInt64 = 0
        /// Those that read from a disk, a count.
        public var majorPageFaults: UInt64 = 0
        /// The limit; nil for none.
        public var limit: UInt64?
        /// Swapped out; nil where swap is not counted.
        public var swap: UInt64?
        /// The limit on swap alone; nil for none.
        public var swapLimit: UInt64?
        /// v2: memory of the kernel.
        var kernel: UInt64 = 0

        /// Nothing used.
        public init() {}

        init(usage: UInt64) { self.usage = usage }

        /// What two cgroups use together; limits do not add up and are left out.
        public static func + (left: Memory, right: Memory) -> Memory {
            var sum = Memory(usage: left.usage &+ right.usage)
            sum.rss = left.rss &+ right.rss
            sum.cache = left.cache &+ right.cache
            sum.mappedFile = left.mappedFile &+ right.mappedFile
            sum.inactiveFile = left.inactiveFile &+ right.inactiveFile
            sum.pageFaults = left.pageFaults &+ right.pageFaults
            sum.majorPageFaults = left.majorPageFaults &+ right.majorPageFaults
            sum.swap = left.swap.map { $0 &+ (right.swap ?? 0) } ?? right.swap
            sum.kernel = left.kernel &+ right.kernel
            return sum
        }

        /// What the kubelet calls the working set: usage without the page cache that is given back first.
        public var workingSet: UInt64 { usage - min(usage, inactiveFile) }
        /// What is left of the limit; nil without one.
        public var available: UInt64? { limit.map { $0 - min($0, workingSet) } }
    }

    /// Pressure Stall Information of one resource.
    public struct Pressure: Sendable, Equatable {
        /// Some task waited.
        public var some = Line()
        /// All tasks waited.
        public var full = Line()

        /// One line of a pressure file.
        public struct Line: Sendable, Equatable {
            /// Microseconds since the cgroup was made.
            public var total: UInt64 = 0
            /// Per cent of the last 10 seconds.
            public var average10 = 0.0
            /// Per cent of the last minute.
            public var average60 = 0.0
            /// Per cent of the last five minutes.
            public var average300 = 0.0

            /// Nothing lost.
            public init() {}
        }
    }

    /// An empty sample.
    public init() {}

    /// Whether all was equal.
    public static func == (left: Self, right: Self) -> Bool {
        left.cpu == right.cpu && left.memory == right.memory && left.pressure.cpu == right.pressure.cpu
            && left.pressure.memory == right.pressure.memory && left.pressure.io == right.pressure.io
            && left.details == right.details
    }
}
