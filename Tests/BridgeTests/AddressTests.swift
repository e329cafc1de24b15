import Linux
import OCI
import TestScratch
import Testing

@testable import Bridge

struct AddressTests {
    @Test func aRangeBeginsWithItsGateway() throws {
        let range = try #require(AddressRange("10.83.7.9/16"))
        #expect(range.description == "10.83.0.0/16" && range.gateway == "10.83.0.1")
        #expect(range.address(0) == "10.83.0.2" && range.address(300) == "10.83.1.46")
        let small = try #require(AddressRange("192.168.1.0/29"))
        #expect(small.capacity == 5 && small.address(4) == "192.168.1.6")
        let six = try #require(AddressRange("fd5a:3c1e:90b7::/64"))
        #expect(six.isIPv6 && six.gateway == "fd5a:3c1e:90b7::1" && six.address(9) == "fd5a:3c1e:90b7::b")
    }

    @Test(arguments: ["", "10.0.0.0", "10.0.0.0/31", "10.0.0.0/0", "10.0.0.0/x", "10.0.0/8", "fd00::/127", "a/8"])
    func whatIsNoRangeIsNone(_ text: String) {
        #expect(AddressRange(text) == nil)
    }

    @Test func eachAddressIsGivenOutOnceAndTheOldestFirst() throws {
        let scratch = try Scratch()
        let pool = try AddressPool(directory: "\(scratch.path)/pool")
        let range = try #require(AddressRange("10.0.0.0/29"))
        let taken = try (0..<5).map { try pool.take(from: range, for: "pod-\($0)") }
        #expect(taken == ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"])
        #expect(throws: BridgeError.self) { try pool.take(from: range, for: "late") }
        try pool.release("10.0.0.3")
        try pool.release("10.0.0.2")
        #expect(try pool.take(from: range, for: "new") == "10.0.0.2")
        #expect(try pool.addresses(of: "new").map(\.address) == ["10.0.0.2"])
        #expect(try pool.addresses(of: "pod-1").isEmpty)
        try pool.release("10.0.0.99")
    }

    @Test func portsAreRememberedWithTheirAddress() throws {
        let scratch = try Scratch()
        let pool = try AddressPool(directory: "\(scratch.path)/pool")
        let range = try #require(AddressRange("10.0.0.0/24"))
        let address = try pool.take(from: range, for: "pod")
        let text = """
            [{"hostPort": 80, "containerPort": 8080}, {"hostPort": 0, "containerPort": 1},
             {"hostPort": 53, "containerPort": 53, "protocol": "UDP", "hostIP": "127.0.0.1"},
             {"hostPort": 54, "containerPort": 53, "hostIP": "FD00:0::0001"}]
            """
        let ports = try Field(JSON(parsing: Array(text.utf8))).array { try PortMapping($0) }.compactMap(\.self)
        #expect(ports.map(\.line) == ["tcp 80 8080 *", "udp 53 53 127.0.0.1", "tcp 54 53 fd00::1"])
        try pool.note(ports, of: address, "pod")
        #expect(try pool.addresses(of: "pod").first?.ports == ports)
        #expect(ports[1].fits(isIPv6: false) && !ports[1].fits(isIPv6: true) && ports[0].fits(isIPv6: true))
    }

    @Test(arguments: [
        (#"{"bridge": "", "dataDir": "/x", "ranges": ["10.0.0.0/8"]}"#, "bridge"),
        (#"{"bridge": "a/b", "dataDir": "/x", "ranges": ["10.0.0.0/8"]}"#, "bridge"),
        (#"{"bridge": "b", "dataDir": "/x", "ranges": ["10.0.0.0"]}"#, "ranges"),
        (#"{"bridge": "b", "dataDir": "/x", "ranges": []}"#, "ranges"),
        (#"{"bridge": "b", "ranges": ["10.0.0.0/8"]}"#, "dataDir"),
        (
            #"{"bridge": "b", "dataDir": "/x", "ranges": ["10.0.0.0/8"], "runtimeConfig": {"portMappings": [{"hostPort": 1, "hostIP": "x"}]}}"#,
            "runtimeConfig.portMappings[0].hostIP"
        ),
        (
            #"{"bridge": "b", "dataDir": "/x", "ranges": ["10.0.0.0/8"], "runtimeConfig": {"portMappings": [{"hostPort": 1}]}}"#,
            "runtimeConfig.portMappings[0].containerPort"
        ),
        (
            #"{"bridge": "b", "dataDir": "/x", "ranges": ["10.0.0.0/8"], "runtimeConfig": {"portMappings": [{"hostPort": 70000}]}}"#,
            "runtimeConfig.portMappings[0].hostPort"
        ),
    ])
    func aWrongConfigurationIsNamed(_ text: String, _ field: String) throws {
        let error = #expect(throws: SpecError.self) { try BridgePlugin(Field(JSON(parsing: Array(text.utf8)))) }
        #expect(error.map { "\($0)".contains(field) } == true)
    }
}
