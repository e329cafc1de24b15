/// The head of an HTTP/1 answer, and the rules for where its body ends (RFC 9112).
struct HTTPHead: Sendable, Hashable {
    /// Bytes a head may have.
    static let limit = 64 << 10

    var status: Int
    /// By lower-case name; the last of several counts.
    var fields: [String: String]

    /// The head at the start of `bytes` and how long it is; nil while its end is missing.
    ///
    /// Throws ``DockerError/Kind/decoding`` for what is no HTTP/1 head.
    static func parse(_ bytes: [UInt8]) throws -> (head: HTTPHead, count: Int)? {
        guard let count = end(of: bytes) else {
            guard bytes.count <= limit, "HTTP/1.".utf8.elementsEqual(bytes.prefix(7)) || bytes.count < 7 else {
                throw DockerError(.decoding, message: "the answer is no HTTP/1 answer")
            }
            return nil
        }
        let text = String(decoding: bytes[..<count], as: UTF8.self)
        var lines = text.split(whereSeparator: \.isNewline)[...]
        let words = lines.popFirst()?.split(separator: " ") ?? []
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), words[1].utf8.count == 3, let status = Int(words[1]),
            status >= 100
        else { throw DockerError(.decoding, message: "the answer is no HTTP/1 answer") }
        var fields: [String: String] = [:]
        for line in lines {
            guard let colon = line.firstIndex(of: ":") else {
                throw DockerError(.decoding, status: status, message: "a header line has no colon")
            }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            fields[line[..<colon].lowercased()] = String(value)
        }
        return (HTTPHead(status: status, fields: fields), count)
    }

    /// Where the empty line ends, whichever line ends are used.
    private static func end(of bytes: [UInt8]) -> Int? {
        var index = 0
        while let newline = bytes[index...].firstIndex(of: UInt8(ascii: "\n")) {
            index = newline + 1
            let rest = bytes[index...]
            if rest.first == UInt8(ascii: "\n") { return index + 1 }
            if rest.starts(with: [UInt8(ascii: "\r"), UInt8(ascii: "\n")]) { return index + 2 }
        }
        return nil
    }

    /// The whole body in `bytes`, which begin after the head; nil while some of it is missing.
    ///
    /// `atEnd` says that the peer sends no more.
    func body(in bytes: [UInt8], atEnd: Bool) throws -> [UInt8]? {
        if fields["transfer-encoding"]?.lowercased().hasSuffix("chunked") == true {
            return try Self.unchunked(bytes)
        }
        guard let text = fields["content-length"] else { return atEnd ? bytes : nil }
        guard let length = Int(text), length >= 0 else {
            throw DockerError(.decoding, status: status, message: "the length \"\(text)\" is no number")
        }
        return bytes.count >= length ? Array(bytes[..<length]) : nil
    }

    private static func unchunked(_ bytes: [UInt8]) throws -> [UInt8]? {
        var body: [UInt8] = []
        var rest = bytes[...]
        while let newline = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let size = rest[..<newline].prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: "\r") }
            guard let count = Int(String(decoding: size, as: UTF8.self), radix: 16), count >= 0 else {
                throw DockerError(.decoding, message: "a chunk has no size")
            }
            if count == 0 { return body }
            rest = rest[(newline + 1)...]
            guard rest.count - 2 >= count else { return nil }
            body += rest.prefix(count)
            rest = rest.dropFirst(count + 2)
        }
        return nil
    }
}
