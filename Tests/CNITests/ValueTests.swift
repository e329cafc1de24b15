import Testing

@testable import CNI
@testable import Linux

@Suite struct ValueTests {
    @Test(
        arguments: [
            ("10M", 10_000_000), ("1k", 1000), ("1.1M", 1_100_000), ("1.5Gi", 1_610_612_736), ("12e6", 12_000_000),
            ("1E3", 1000), ("0.5", 1), ("100m", 1), ("1500m", 2), ("1Ki", 1024), ("+5", 5),
            ("1P", 1_000_000_000_000_000),
            ("1E", 1_000_000_000_000_000_000), (".5k", 500), ("5.", 5), ("1e-3", 1), ("0", 0),
        ] as [(String, UInt64)])
    func quantity(_ text: String, _ value: UInt64) {
        #expect(Quantity.value(text) == value)
    }

    @Test(arguments: [
        "", "M", ".", "+", "-1", "1 M", "1K", "1kk", "1e", "1e99", "1.2.3", "ten", "1Mi ", "٣", "99999999999999999999",
        "999999999999999999E", "++1", "1+1",
    ])
    func noQuantity(_ text: String) {
        #expect(Quantity.value(text) == nil)
    }

    @Test(arguments: [("1.1.0", "1.1.0"), ("0.4", "0.4.0"), ("1", "1.0.0")])
    func version(_ text: String, _ expected: String) {
        #expect(CNIVersion(text)?.description == expected)
    }

    @Test(arguments: ["", ".", "1.", "1.0.0.0", "v1.0.0", "1.x", "-1.0", "1.0.0-rc1", "99999999999.0.0"])
    func noVersion(_ text: String) {
        #expect(CNIVersion(text) == nil)
    }

    @Test(arguments: [
        ("eth0", true), ("", false), ("sixteencharacter", false), ("fifteencharacte", true), ("a/b", false),
        ("a:b", false),
        ("a b", false), (".", false), ("..", false),
    ])
    func interfaceName(_ name: String, _ allowed: Bool) {
        #expect(Identifier.isInterface(name) == allowed)
    }

    @Test(arguments: [
        ("abc", true), ("a.b_c-d", true), ("", false), ("-a", false), (".a", false), ("a/b", false), ("a\0b", false),
        ("é", false), ("..", false), (String(repeating: "a", count: 129), false),
    ])
    func containerID(_ id: String, _ allowed: Bool) {
        #expect(Identifier.isValid(id) == allowed)
    }

    @Test(arguments: [
        // 0.2.0 and before
        #"{"cniVersion":"0.2.0","ip4":{"ip":"10.1.0.2/16","gateway":"10.1.0.1","routes":[{"dst":"0.0.0.0/0"}]},"ip6":{"ip":"fd00::2/64"},"dns":{"nameservers":["10.1.0.1"]}}"#,
        // 0.3.0 to 0.4.0
        #"{"cniVersion":"0.4.0","interfaces":[{"name":"br"},{"name":"eth0","sandbox":"/ns"}],"ips":[{"version":"4","address":"10.1.0.2/16","gateway":"10.1.0.1","interface":1},{"version":"6","address":"fd00::2/64","interface":1}],"routes":[{"dst":"0.0.0.0/0"}],"dns":{"nameservers":["10.1.0.1"]}}"#,
        // 1.0.0 and later, with what we do not know
        #"{"cniVersion":"1.1.0","interfaces":[{"name":"eth0","sandbox":"/ns","mtu":1500,"socketPath":"/s"}],"ips":[{"address":"10.1.0.2/16","gateway":"10.1.0.1","interface":0},{"address":"fd00::2/64"}],"routes":[{"dst":"0.0.0.0/0","priority":1}],"dns":{"nameservers":["10.1.0.1"]},"new":{}}"#,
    ])
    func resultOfEveryVersion(_ text: String) throws {
        let result = NetworkResult(try JSONValue(parsing: Array(text.utf8)))
        #expect(result.podIPs == ["10.1.0.2", "fd00::2"])
        #expect(result.addresses.first?.gateway == "10.1.0.1")
        #expect(result.routes.map(\.destination) == ["0.0.0.0/0"])
        #expect(result.dns.nameservers == ["10.1.0.1"])
    }

    @Test(arguments: [
        "{}", "[]", "1", #"{"ips":{}}"#, #"{"ips":[1,null,{"address":5}]}"#, #"{"interfaces":7,"routes":"x","dns":[]}"#,
        #"{"ip4":null,"ip6":[]}"#,
    ])
    func nonsenseIsAnEmptyResult(_ text: String) throws {
        let result = NetworkResult(try JSONValue(parsing: Array(text.utf8)))
        #expect(result.addresses.isEmpty && result.routes.isEmpty && result.interfaces.isEmpty)
    }

    @Test func hostAddressesAreNotThePods() throws {
        let text =
            #"{"interfaces":[{"name":"br"},{"name":"eth0","sandbox":"/n"}],"ips":[{"address":"10.0.0.1/8","interface":0},{"address":"10.0.0.9/8","interface":1},{"address":"10.0.0.7/8","interface":99},{"address":"10.0.0.6/8","interface":-1}]}"#
        let result = NetworkResult(try JSONValue(parsing: Array(text.utf8)))
        #expect(result.podIPs == ["10.0.0.9", "10.0.0.7", "10.0.0.6"])
    }

    private static let present = [
        InterfaceAddress(address: "10.0.0.2", prefixLength: 24, isIPv6: false),
        InterfaceAddress(address: "10.0.0.3", prefixLength: 24, isIPv6: false),
        InterfaceAddress(address: "fd00::2", prefixLength: 64, isIPv6: true),
    ]

    @Test(
        arguments: [
            (["FD00:0::2/64", "10.0.0.3/24"], .cni, ["fd00::2", "10.0.0.3", "10.0.0.2"]),
            (["fd00::2/64", "10.0.0.3/24"], .ipv4, ["10.0.0.3", "10.0.0.2", "fd00::2"]),
            (["10.0.0.3/24"], .ipv6, ["fd00::2", "10.0.0.3", "10.0.0.2"]),
            (["10.0.0.99/24", "rubbish"], .cni, ["10.0.0.2", "10.0.0.3", "fd00::2"]),
            ([], .cni, ["10.0.0.2", "10.0.0.3", "fd00::2"]),
        ] as [([String], PodNetwork.AddressPreference, [String])])
    func addressOrder(_ result: [String], _ preference: PodNetwork.AddressPreference, _ expected: [String]) {
        let document = JSONValue.object(["ips": .array(result.map { .object(["address": .string($0)]) })])
        #expect(PodNetwork.order(Self.present, by: NetworkResult(document), preference) == expected)
        if result.isEmpty { #expect(PodNetwork.order(Self.present, by: nil, preference) == expected) }
    }
}
