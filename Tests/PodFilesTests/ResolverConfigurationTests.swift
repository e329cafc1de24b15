import PodFiles
import Testing

@Suite("resolv.conf")
struct ResolverConfigurationTests {
    @Test("a full configuration is one line a server, one for searches, one for options")
    func full() throws {
        let configuration = ResolverConfiguration(
            servers: ["10.96.0.10", "fd00::a"], searches: ["a.svc.cluster.local", "cluster.local"],
            options: ["ndots:5", "edns0"])
        let text = """
            nameserver 10.96.0.10
            nameserver fd00::a
            search a.svc.cluster.local cluster.local
            options ndots:5 edns0

            """
        #expect(try configuration.text() == text)
        #expect(!configuration.isEmpty)
    }

    @Test("parts that are not given leave no line")
    func partial() throws {
        #expect(try ResolverConfiguration(searches: ["x"]).text() == "search x\n")
        #expect(try ResolverConfiguration().text() == "")
        #expect(ResolverConfiguration().isEmpty)
    }

    @Test(
        "a word cannot break out of its line",
        arguments: [
            "", " ", "1.1.1.1 2.2.2.2", "1.1.1.1\nnameserver 6.6.6.6", "x\u{0}", "x\u{7f}", "tab\there", "é.example",
            "\u{2028}", String(repeating: "a", count: 256),
        ])
    func hostileWords(word: String) {
        #expect(throws: PodFileError.self) { try ResolverConfiguration(servers: [word]).text() }
        #expect(throws: PodFileError.self) { try ResolverConfiguration(searches: [word]).text() }
        #expect(throws: PodFileError.self) { try ResolverConfiguration(options: [word]).text() }
    }

    @Test("more words than a resolver reads are refused")
    func tooMany() {
        #expect(throws: PodFileError.self) {
            try ResolverConfiguration(servers: Array(repeating: "1.1.1.1", count: 17)).text()
        }
    }
}
