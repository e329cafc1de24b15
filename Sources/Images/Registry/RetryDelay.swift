internal import CCurl
internal import Glibc

/// How long to wait before a registry that is out of order is asked again.
struct RetryDelay {
    /// Nil when that is so long that the caller had better come again.
    let milliseconds: Int?

    private static let limit = 60_000

    /// By what it says itself (`Retry-After`, RFC 7231 section 7.1.3), otherwise longer each time.
    init(_ head: HTTPHead, attempt: Int) {
        guard let text = head["retry-after"] else {
            self.init(attempt: attempt)
            return
        }
        let seconds = Int(text) ?? max(0, curl_getdate(text, nil) - Glibc.time(nil))
        self.init(milliseconds: (0...Self.limit / 1000).contains(seconds) ? seconds * 1000 : nil)
    }

    private init(milliseconds: Int?) { self.milliseconds = milliseconds }

    /// A quarter of a second, and twice as long each time.
    init(attempt: Int) {
        self.init(milliseconds: min(250 << min(attempt - 1, 10), Self.limit))
    }
}
