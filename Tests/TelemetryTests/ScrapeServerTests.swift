import Glibc
import Linux
import Logging
import TestScratch
import Testing

@testable import Telemetry

@Suite struct ScrapeServerTests {
    /// Sends `request` to a server on a Unix socket and gives everything that comes back until the connection's end.
    private func answer(to request: String) async throws -> String {
        let scratch = try Scratch()
        let path = "\(scratch.path)/metrics.sock"
        let registry = Registry()
        registry.counter("calls_total", "Calls.").add(7)
        let server = ScrapeServer(
            address: .unix(path: path, mode: 0o600), registry: registry, logger: Logger(label: "test"))
        let (listening, isListening) = AsyncStream.makeStream(of: Void.self)
        let task = Task { try await server.run { _ in isListening.finish() } }
        for await _ in listening {}
        var status = stat()
        #expect(lstat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        let reply = try await DedicatedThread.run { try exchange(path, request) }
        task.cancel()
        try await task.value
        #expect(!Files.exists(path))
        return reply
    }

    @Test func aScrapeGetsTheNumbers() async throws {
        let reply = try await answer(to: "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        #expect(reply.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(reply.contains("text/plain; version=0.0.4"))
        #expect(reply.hasSuffix("calls_total 7\n"))
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "404"),
        ("DELETE /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "405"),
        ("nonsense\r\n\r\n", "400"),
    ])
    func whatIsNoScrapeIsRefused(_ request: String, _ status: String) async throws {
        let reply = try await answer(to: request)
        #expect(reply.hasPrefix("HTTP/1.1 \(status) "))
    }

    @Test func aBodyEndsTheConnection() async throws {
        let reply = try await answer(to: "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
        #expect(reply.isEmpty)
    }
}

/// Writes to a Unix socket and reads until its end.
private func exchange(_ path: String, _ request: String) throws -> String {
    let socket = Descriptor(owning: try system("socket") { Glibc.socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0) })
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    _ = try withUnsafePointer(to: &address) { pointer in
        try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
            try system("connect") { connect(socket.raw, name, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
    }
    _ = try system("write") { write(socket.raw, request, request.utf8.count) }
    var reply: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
        let count = try system("read") { read(socket.raw, &buffer, buffer.count) }
        if count == 0 { return String(decoding: reply, as: UTF8.self) }
        reply += buffer[..<count]
    }
}
