import Glibc
import Linux
import OCI
import Synchronization

@testable import Images

/// A web server on this machine that answers what a test tells it to, one request a connection.
final class FakeRegistry: Sendable {
    struct Request: Sendable {
        var method: String
        /// With the query.
        var path: String
        /// Names in lower case.
        var headers: [String: String]
        var body: String

        /// The first byte that `Range` asks for.
        var rangeStart: Int? { headers["range"].flatMap { Int($0.dropFirst("bytes=".count).dropLast()) } }
    }

    struct Response: Sendable {
        var status = 200
        var headers: [String] = []
        var body: [UInt8] = []
        /// Bytes after which the connection breaks off.
        var cut: Int?
        /// Whether the body is sent again and again.
        var isEndless = false

        static func status(_ status: Int, _ headers: String...) -> Response {
            Response(status: status, headers: headers)
        }
    }

    typealias Handler = @Sendable (Request) -> Response

    private let listener: Listener
    private let log: Log

    var host: String { "127.0.0.1:\(listener.port)" }

    /// What it was asked for, in order.
    var requests: [Request] { log.requests.withLock { $0 } }

    init(_ handler: @escaping Handler) throws {
        let (listener, log) = (try Listener(), Log())
        (self.listener, self.log) = (listener, log)
        try DedicatedThread.detach {
            while let connection = listener.accept() {
                try? DedicatedThread.detach { Self.serve(connection, log, handler) }
            }
        }
    }

    deinit {
        listener.stop()
    }

    private final class Log: Sendable {
        let requests = Mutex<[Request]>([])
    }

    private static func serve(_ connection: Connection, _ log: Log, _ handler: Handler) {
        guard let request = try? Self.read(connection) else { return }
        log.requests.withLock { $0.append(request) }
        let response = handler(request)
        var head = "HTTP/1.1 \(response.status) x\r\nConnection: close\r\n"
        if !response.isEndless { head += "Content-Length: \(response.body.count)\r\n" }
        for line in response.headers { head += "\(line)\r\n" }
        do {
            try connection.write(Array("\(head)\r\n".utf8))
            repeat {
                try connection.write(Array(response.body.prefix(response.cut ?? .max)))
            } while response.isEndless
        } catch {
            // The client has enough.
        }
    }

    private static func read(_ connection: Connection) throws -> Request {
        var bytes: [UInt8] = []
        while true {
            let more = try connection.read()
            if more.isEmpty { throw CancellationError() }
            bytes += more
            let text = String(decoding: bytes, as: UTF8.self)
            guard let end = text.firstRange(of: "\r\n\r\n") else { continue }
            let lines = text[..<end.lowerBound].split(separator: "\r\n")
            var headers: [String: String] = [:]
            for line in lines.dropFirst() {
                let parts = line.split(separator: ": ", maxSplits: 1)
                if parts.count == 2 { headers[parts[0].lowercased()] = String(parts[1]) }
            }
            let body = text[end.upperBound...]
            guard body.utf8.count >= headers["content-length"].flatMap({ Int($0) }) ?? 0 else { continue }
            let words = lines[0].split(separator: " ")
            return Request(method: String(words[0]), path: String(words[1]), headers: headers, body: String(body))
        }
    }
}

/// A listening socket on a port of this machine that was free.
final class Listener: Sendable {
    let port: Int
    private let socket: Descriptor

    init() throws {
        let type = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        socket = Descriptor(owning: try system("socket") { Glibc.socket(AF_INET, type, 0) })
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let number = socket.raw
        try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                try system("bind") { bind(number, pointer, length) }
                try system("listen") { listen(number, 64) }
                try system("getsockname") { getsockname(number, pointer, &length) }
            }
        }
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    /// The next connection; nil when it is stopped.
    fileprivate func accept() -> Connection? {
        let client = Glibc.accept(socket.raw, nil, nil)
        return client < 0 ? nil : Connection(Descriptor(owning: client))
    }

    /// Wakes the thread that accepts.
    fileprivate func stop() { shutdown(socket.raw, CInt(SHUT_RDWR)) }
}

/// An accepted connection.
fileprivate final class Connection: Sendable {
    private let socket: Descriptor

    init(_ socket: consuming Descriptor) { self.socket = socket }

    func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try socket.writeAll($0) } }

    func read() throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        let count = try buffer.withUnsafeMutableBytes { try socket.read(into: $0) }
        return Array(buffer[..<count])
    }
}
