internal import Glibc

/// A system call that failed: which call, on what, and errno.
public struct SystemError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The call's name as in section 2 of the manual.
    public var call: String
    /// The path or object the call was about; empty when there is none.
    public var object: String
    /// The errno value.
    public var code: CInt

    /// An error for `call` on `object` with errno `code`.
    public init(call: String, object: String = "", code: CInt) {
        self.call = call
        self.object = object
        self.code = code
    }

    /// "call object: errno text".
    public var description: String {
        let text = String(cString: strerror(code))
        return object.isEmpty ? "\(call): \(text)" : "\(call) \(object): \(text)"
    }
}

/// Runs a system call that answers -1 on failure, again when a signal interrupts it.
///
/// The one door to the kernel. EBADF and EFAULT are bugs of ours and trap.
@discardableResult
public func system<Value: FixedWidthInteger & SignedInteger>(
    _ call: String, _ object: @autoclosure () -> String = "", _ body: () -> Value
) throws -> Value {
    while true {
        let value = body()
        if value != -1 { return value }
        let code = errno
        if code == EINTR { continue }
        precondition(code != EBADF && code != EFAULT, "\(call): \(code == EBADF ? "EBADF" : "EFAULT")")
        throw SystemError(call: call, object: object(), code: code)
    }
}
