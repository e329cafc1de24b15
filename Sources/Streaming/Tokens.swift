internal import Glibc
internal import Synchronization

/// What a streaming URL leads to.
enum StreamRequest: Sendable, Equatable {
    case exec(ExecStreamRequest)
    case attach(AttachStreamRequest)
    case portForward(sandboxID: String, ports: [UInt16])

    /// The first component of the URL's path.
    var path: String {
        switch self {
        case .exec: "exec"
        case .attach: "attach"
        case .portForward: "portforward"
        }
    }
}

/// The one-use names under which requests wait for their client: 128 bits, one minute, a bounded number.
final class Tokens: Sendable {
    private struct Entry {
        var request: StreamRequest
        var expires: ContinuousClock.Instant
    }

    private let entries = Mutex<[String: Entry]>([:])
    private let limit: Int
    private let lifetime: Duration

    init(limit: Int = 1000, lifetime: Duration = .seconds(60)) {
        self.limit = limit
        self.lifetime = lifetime
    }

    /// How many are waiting.
    var count: Int { entries.withLock(\.count) }

    /// A new token for `request`; nil when too many wait already.
    func issue(_ request: StreamRequest, now: ContinuousClock.Instant = .now) -> String? {
        let token = Self.random()
        return entries.withLock { entries in
            if entries.count >= limit { entries = entries.filter { $0.value.expires > now } }
            guard entries.count < limit else { return nil }
            entries[token] = Entry(request: request, expires: now + lifetime)
            return token
        }
    }

    /// Takes the request that a token stands for; nil when it was used, has expired or never was.
    func redeem(_ token: String, now: ContinuousClock.Instant = .now) -> StreamRequest? {
        guard let entry = entries.withLock({ $0.removeValue(forKey: token) }), entry.expires > now else { return nil }
        return entry.request
    }

    /// 128 bits of the system's generator in hexadecimal.
    private static func random() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<2).map { _ in
            let text = String(generator.next() as UInt64, radix: 16)
            return String(repeating: "0", count: 16 - text.utf8.count) + text
        }.joined()
    }
}
