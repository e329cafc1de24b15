internal import CLinux
internal import Glibc

/// Mounts of our own, at paths of our own.
public enum Mounts {
    /// What a mount denies.
    public struct Flags: OptionSet, Sendable {
        /// The kernel's MS_* bits.
        public let rawValue: UInt

        /// The kernel's MS_* bits.
        public init(rawValue: UInt) { self.rawValue = rawValue }

        /// MS_RDONLY.
        public static let readOnly = Flags(rawValue: UInt(FENDER_MS_RDONLY))
        /// MS_NOSUID.
        public static let noSUID = Flags(rawValue: UInt(FENDER_MS_NOSUID))
        /// MS_NODEV.
        public static let noDevices = Flags(rawValue: UInt(FENDER_MS_NODEV))
        /// MS_NOEXEC.
        public static let noPrograms = Flags(rawValue: UInt(FENDER_MS_NOEXEC))
    }

    /// mount(2).
    public static func mount(_ source: String, at path: String, type: String, _ flags: Flags, data: String) throws {
        try system("mount", path) { fender_mount(source, path, type, flags.rawValue, data) }
    }

    /// Detaches every mount at `path` itself, however many lie on one another; none is fine.
    public static func detachAll(_ path: String) throws {
        while fender_detach_mount(path) == 0 {}
        // EINVAL: not a mount point, which is what we want.
        guard errno == EINVAL || errno == ENOENT else {
            throw SystemError(call: "umount", object: path, code: errno)
        }
    }
}
