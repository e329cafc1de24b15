import PodFiles
import Testing

@Suite("hosts and host names")
struct HostsFileTests {
    @Test("entries follow the loopback lines")
    func entries() throws {
        let file = HostsFile(entries: [
            .init(address: "10.1.2.3", names: ["web.ns.svc", "web"]), .init(address: "fd00::3", names: ["web"]),
        ])
        let text = try file.text()
        #expect(text.hasPrefix("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"))
        #expect(text.hasSuffix("10.1.2.3\tweb.ns.svc\tweb\nfd00::3\tweb\n"))
    }

    @Test(
        "addresses and names that are none are refused",
        arguments: [
            ("10.1.2", ["a"]), ("10.1.2.3\n", ["a"]), ("", ["a"]), ("10.1.2.3", []), ("10.1.2.3", ["a\n6.6.6.6 b"]),
            ("10.1.2.3", ["a b"]), ("10.1.2.3", ["#"]), ("10.1.2.3\u{0}x", ["a"]),
        ])
    func refused(address: String, names: [String]) {
        #expect(throws: PodFileError.self) {
            try HostsFile(entries: [.init(address: address, names: names)]).text()
        }
    }

    @Test("names", arguments: ["a", "web-0", "WEB_1.example.com", String(repeating: "a", count: 63)])
    func valid(name: String) throws {
        try Hostname.validate(name)
    }

    @Test(
        "what is no name is refused",
        arguments: [
            "", ".", "a.", ".a", "a..b", "-a", "a-", "a b", "a\n", "a/b", "é", String(repeating: "a", count: 64),
            String(repeating: "a.", count: 127) + "a",
        ])
    func invalid(name: String) {
        #expect(throws: PodFileError.self) { try Hostname.validate(name) }
    }

    @Test("long names are cut to what the kernel takes, without a dangling sign")
    func truncated() {
        let name = String(repeating: "a", count: 61) + "-.bcdef"
        #expect(Hostname.truncated(name) == String(repeating: "a", count: 61))
        #expect(Hostname.truncated("short") == "short")
        #expect(Hostname.truncated(String(repeating: "b", count: 64)).utf8.count == 64)
        #expect(Hostname.truncated(String(repeating: "b", count: 65)).utf8.count == 63)
    }
}
