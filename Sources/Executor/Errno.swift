internal import Glibc

/// errno values that decisions hang on, and their text.
enum Errno {
    static let busy = EBUSY
    static let missing = ENOENT
    static let invalid = EINVAL
    static let gone = ESRCH

    /// As strerror(3), but with a small first letter: Docker's command line looks for "no such file or directory".
    static func text(_ code: CInt) -> String {
        let text = String(cString: strerror(code))
        guard let first = text.first, text.dropFirst().first?.isLowercase == true else { return text }
        return first.lowercased() + text.dropFirst()
    }
}

/// The few waits for what the kernel tells nobody of.
enum Pause {
    static func milliseconds(_ count: UInt32) { usleep(count * 1000) }
}
