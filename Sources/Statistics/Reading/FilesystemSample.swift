internal import Glibc

/// A file system as a whole.
public struct FilesystemSample: Sendable, Equatable {
    /// The block device's path, such as `/dev/vda`; its number, `0:43`, when it is on none.
    public var device: String
    /// The device's major number.
    public var major: UInt32
    /// The device's minor number.
    public var minor: UInt32
    /// Its size in bytes.
    public var bytes: UInt64
    /// Inodes it can hold.
    public var inodes: UInt64
    /// Inodes free.
    public var freeInodes: UInt64

    /// The file system of a directory; nil when there is no such directory.
    static func read(_ directory: String) -> FilesystemSample? {
        var status = stat()
        var numbers = statvfs()
        guard stat(directory, &status) == 0, statvfs(directory, &numbers) == 0 else { return nil }
        // makedev(3), which is a macro.
        let device = status.st_dev
        let major = UInt32(device >> 8 & 0xfff) | UInt32(truncatingIfNeeded: device >> 32 & ~0xfff)
        let minor = UInt32(device & 0xff) | UInt32(truncatingIfNeeded: device >> 12 & ~0xff)
        return FilesystemSample(
            device: BlockDevices.path(major: major, minor: minor), major: major, minor: minor,
            bytes: UInt64(numbers.f_blocks) &* UInt64(numbers.f_frsize), inodes: UInt64(numbers.f_files),
            freeInodes: UInt64(numbers.f_ffree))
    }
}
