/// The major and minor numbers in a `dev_t`; glibc's functions for it are macros.
public struct DeviceNumber: Sendable, Equatable {
    /// The driver.
    public var major: UInt32
    /// The device of the driver.
    public var minor: UInt32

    /// Takes apart `st_dev` or `st_rdev`.
    public init(_ number: UInt) {
        major = UInt32(truncatingIfNeeded: number >> 8 & 0xfff | number >> 32 & 0xffff_f000)
        minor = UInt32(truncatingIfNeeded: number & 0xff | number >> 12 & 0xffff_ff00)
    }
}
