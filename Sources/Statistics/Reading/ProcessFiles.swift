internal import Cgroups
internal import Glibc
internal import Linux

/// What /proc tells of a cgroup's processes.
public struct ProcessSample: Sendable, Equatable {
    /// Processes.
    public var count: UInt64 = 0
    /// Their threads.
    public var threads: UInt64 = 0
    /// Open files, sockets among them.
    public var descriptors: UInt64 = 0
    /// Open sockets.
    public var sockets: UInt64 = 0
    /// The soft limit on open files of the first process; nil when it could not be read.
    public var openFileLimit: UInt64?

    /// No processes.
    public init() {}

    /// Reads /proc for the given processes; `first` is the container's init.
    static func read(_ processes: [Int32], first: Int32, _ reader: borrowing FileReader) -> ProcessSample {
        var sample = ProcessSample()
        sample.count = UInt64(processes.count)
        for pid in processes { sample.add(pid, reader) }
        sample.openFileLimit = openFileLimit(first, reader)
        return sample
    }

    private mutating func add(_ pid: Int32, _ reader: borrowing FileReader) {
        reader.fields("/proc/\(pid)/status") { name, value in
            if "Threads:" ~= name { threads += value }
        }
        guard let directory = opendir("/proc/\(pid)/fd") else { return }
        defer { closedir(directory) }
        let number = dirfd(directory)
        while let entry = readdir(directory) {
            withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: 256) { name in
                    if name.pointee == CChar(bitPattern: UInt8(ascii: ".")) { return }
                    descriptors += 1
                    if Self.isSocket(number, name) { sockets += 1 }
                }
            }
        }
    }

    /// Links of sockets read `socket:[1234]`.
    private static func isSocket(_ directory: CInt, _ name: UnsafePointer<CChar>) -> Bool {
        let prefix: StaticString = "socket:"
        var target: (UInt64, UInt64) = (0, 0)
        return withUnsafeMutableBytes(of: &target) { bytes in
            let start = bytes.baseAddress!
            let length = readlinkat(directory, name, start.assumingMemoryBound(to: CChar.self), bytes.count)
            return length >= prefix.utf8CodeUnitCount
                && memcmp(start, prefix.utf8Start, prefix.utf8CodeUnitCount) == 0
        }
    }

    /// The line `Max open files 1024 4096 files` of /proc/PID/limits.
    private static func openFileLimit(_ pid: Int32, _ reader: borrowing FileReader) -> UInt64? {
        guard pid > 0 else { return nil }
        return reader.read("/proc/\(pid)/limits") { bytes -> UInt64? in
            var text = Scanner(bytes)
            while !text.isAtEnd {
                if "Max" ~= text.word(), "open" ~= text.word(), "files" ~= text.word() { return text.number() }
                text.skipLine()
            }
            return nil
        } ?? nil
    }
}
