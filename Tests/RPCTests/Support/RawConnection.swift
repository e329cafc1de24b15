import Glibc

@testable import RPC

/// A Unix socket without any protocol of its own.
final class RawConnection {
    private var descriptor: CInt

    init(_ path: String) throws {
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure("socket: \(errno)") }
        let result = try UnixAddress(path).with { connect(descriptor, $0, $1) }
        guard result == 0 else {
            Glibc.close(descriptor)
            throw Failure("connect: \(errno)")
        }
        self.descriptor = descriptor
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit {
        if descriptor >= 0 { Glibc.close(descriptor) }
    }

    /// Sends all; what the other side does not want any more is no error.
    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            if count < 0 && (errno == EPIPE || errno == ECONNRESET) { return }
            guard count > 0 else { throw Failure("send: \(errno)") }
            rest = rest.dropFirst(count)
        }
    }

    /// Says that nothing follows.
    func halfClose() {
        shutdown(descriptor, CInt(SHUT_WR))
    }

    /// Reads until `enough`, the other side's end, or ten seconds of silence, which throw.
    func read(until enough: ([UInt8]) -> Bool = { _ in false }) throws -> [UInt8] {
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while !enough(all) {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count == 0 || count < 0 && errno == ECONNRESET { break }
            guard count > 0 else { throw Failure("recv: \(errno) after \(all.count) bytes") }
            all += chunk[..<count]
        }
        return all
    }

    func close() {
        Glibc.close(descriptor)
        descriptor = -1
    }
}

/// The little of HTTP/2 that makes a gRPC request by hand.
enum HTTP2 {
    static let preface = [UInt8](text: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") + frame(4, 0, 0, [])

    static func frame(_ kind: UInt8, _ flags: UInt8, _ stream: UInt32, _ payload: [UInt8]) -> [UInt8] {
        let length = payload.count
        return [
            UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255), kind, flags,
            UInt8(stream >> 24), UInt8(stream >> 16 & 255), UInt8(stream >> 8 & 255), UInt8(stream & 255),
        ] + payload
    }

    /// A header block of literals without indexing.
    static func headers(_ fields: [(String, String)]) -> [UInt8] {
        var block: [UInt8] = []
        for (name, value) in fields {
            block.append(0)
            for text in [name, value] {
                block.append(UInt8(text.utf8.count))
                block += text.utf8
            }
        }
        return block
    }

    /// A whole gRPC call with one message.
    static func request(
        _ path: String, stream: UInt32 = 1, contentType: String = "application/grpc", message: [UInt8]
    ) -> [UInt8] {
        let head = headers([
            (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost"),
            ("te", "trailers"), ("content-type", contentType),
        ])
        let length = message.count
        let prefix = [0, UInt8(length >> 24), UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255)]
        return frame(1, 4, stream, head) + frame(0, 1, stream, prefix + message)
    }
}
