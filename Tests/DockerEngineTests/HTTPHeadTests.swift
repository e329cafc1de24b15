import Testing

@testable import DockerEngine

@Suite struct HTTPHeadTests {
    @Test(arguments: ["\r\n", "\n"])
    func aHeadIsReadOnceItsEndIsThere(lineEnd: String) throws {
        let text = ["HTTP/1.1 101 UPGRADED", "Content-Type:  a/b", "X: ", "", ""].joined(separator: lineEnd)
        let bytes = Array(text.utf8)
        for count in 0..<bytes.count { #expect(try HTTPHead.parse(Array(bytes[..<count])) == nil) }
        let (head, count) = try #require(try HTTPHead.parse(bytes + [1, 10, 10]))
        #expect(count == bytes.count)
        #expect(head == HTTPHead(status: 101, fields: ["content-type": "a/b", "x": ""]))
    }

    @Test(arguments: [
        "SSH-2.0-x\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 abc x\r\n\r\n", "\r\n\r\n\r\n",
        "HTTP/1.1 099 x\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "garbage without an end",
    ])
    func whatIsNoHeadIsRefused(text: String) {
        #expect(throws: DockerError.self) { try HTTPHead.parse(Array(text.utf8)) }
    }

    @Test func anEndlessHeadIsRefused() {
        let text = "HTTP/1.1 200 OK\r\nX: " + String(repeating: "x", count: HTTPHead.limit)
        #expect(throws: DockerError.self) { try HTTPHead.parse(Array(text.utf8)) }
    }

    @Test(
        arguments: [
            (["content-length": "3"], "abcd", false, "abc"), (["content-length": "3"], "ab", false, nil),
            ([:], "ab", false, nil), ([:], "ab", true, "ab"),
            (["transfer-encoding": "chunked"], "2;x=y\r\nab\r\nA\r\n0123456789\r\n0\r\n\r\n", false, "ab0123456789"),
            (["transfer-encoding": "chunked"], "2\r\nab\r\n3\r\nab", false, nil),
            (["transfer-encoding": "chunked"], "7fffffffffffffff\r\nab", false, nil),
        ] as [([String: String], String, Bool, String?)])
    func bodiesEndWhereTheyShould(fields: [String: String], text: String, atEnd: Bool, body: String?) throws {
        let head = HTTPHead(status: 404, fields: fields)
        #expect(try head.body(in: Array(text.utf8), atEnd: atEnd) == body.map { Array($0.utf8) })
    }

    @Test(arguments: [["content-length": "-1"], ["content-length": "many"], ["transfer-encoding": "chunked"]])
    func bodiesWithoutASizeAreRefused(fields: [String: String]) {
        let head = HTTPHead(status: 404, fields: fields)
        #expect(throws: DockerError.self) { try head.body(in: Array("-2\r\nx\r\n".utf8), atEnd: false) }
    }
}
