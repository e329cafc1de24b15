internal import CLinux
public import Glibc

/// A file descriptor that one place owns; it is closed when the owner lets it go.
///
/// Every way to make one opens with `O_CLOEXEC`.
public struct Descriptor: ~Copyable, Sendable {
    /// The number the kernel knows it by; valid as long as this value lives.
    public let raw: CInt

    /// Takes ownership of an open descriptor.
    public init(owning raw: CInt) {
        self.raw = raw
    }

    deinit {
        Glibc.close(raw)
    }

    /// Gives the number away without closing it.
    public consuming func release() -> CInt {
        let number = raw
        discard self
        return number
    }

    /// open(2) with `O_CLOEXEC`.
    public static func open(_ path: String, _ flags: CInt, mode: UInt32 = 0) throws -> Descriptor {
        Descriptor(
            owning: try system("open", path) { fender_openat(AT_FDCWD, path, flags | O_CLOEXEC, mode) })
    }

    /// Opens `path` with `root` as its root: neither `..` nor a link leaves it (openat2 RESOLVE_IN_ROOT).
    public static func open(
        _ path: String, inRoot root: borrowing Descriptor, _ flags: CInt, mode: UInt32 = 0
    ) throws -> Descriptor {
        let number = root.raw
        let resolve = UInt64(FENDER_RESOLVE_IN_ROOT | FENDER_RESOLVE_NO_MAGICLINKS)
        return Descriptor(
            owning: try system("openat2", path) {
                fender_openat2(number, path, UInt64(flags | O_CLOEXEC), UInt64(mode), resolve)
            })
    }

    /// Reads up to `buffer.count` bytes; 0 at the end of the file.
    public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        try system("read") { Glibc.read(raw, buffer.baseAddress, buffer.count) }
    }

    /// Writes all of `bytes`.
    public func writeAll(_ bytes: UnsafeRawBufferPointer) throws {
        var written = 0
        while written < bytes.count {
            written += try system("write") { Glibc.write(raw, bytes.baseAddress! + written, bytes.count - written) }
        }
    }

    /// Writes all of `bytes` at an offset, whatever the position is.
    public func writeAll(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws {
        var written = 0
        while written < bytes.count {
            written += try system("pwrite") {
                pwrite(raw, bytes.baseAddress! + written, bytes.count - written, off_t(offset) + off_t(written))
            }
        }
    }

    /// fstat(2).
    public func status() throws -> stat {
        var status = stat()
        try system("fstat") { fstat(raw, &status) }
        return status
    }
}
