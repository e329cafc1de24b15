import Linux
import Testing

@testable import DockerEngine

@Suite struct ParsingTests {
    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T00:00:00.000000001Z", 1),
            ("2000-02-29T12:30:15.5Z", 951_827_415_500_000_000),
            ("2000-02-29T12:30:15.5+02:00", 951_820_215_500_000_000),
            ("2000-02-29t12:30:15.5-02:30", 951_836_415_500_000_000),
            ("2026-11-24T08:00:00.123456789123Z", 1_795_507_200_123_456_789),
            ("1969-12-31T23:59:59Z", -1_000_000_000),
            ("0001-01-01T00:00:00Z", nil), ("", nil), ("now", nil), ("2026-13-01T00:00:00Z", nil),
            ("2026-11-24T08:00:00", nil), ("2026-11-24T08:00:00.Z", nil), ("2026-11-24T08:00:00Zx", nil),
            ("9999-12-31T23:59:59Z", nil), ("2026-11-24T08:00:00+0200", nil), ("２026-11-24T08:00:00Z", nil),
        ] as [(String, Int64?)])
    func timesAreRead(text: String, nanoseconds: Int64?) {
        #expect(RFC3339.nanoseconds(text) == nanoseconds)
    }

    @Test(
        arguments: [
            ("unix:///var/run/docker.sock", .unix(path: "/var/run/docker.sock")),
            ("tcp://127.0.0.1:2375", .tcp(host: "127.0.0.1", port: 2375)),
            ("tcp://host", .tcp(host: "host", port: 2375)),
            ("tcp://[::1]:99", .tcp(host: "::1", port: 99)),
            ("tcp://[::1]", .tcp(host: "::1", port: 2375)),
            ("unix://relative", nil), ("unix://", nil), ("tcp://", nil), ("tcp://:1", nil), ("tcp://h:70000", nil),
            ("tcp://h:", nil), ("tcp://[::1", nil), ("tcp://a b", nil), ("tcp://h/x", nil), ("http://h:1", nil),
            ("/var/run/docker.sock", nil), ("unix:///" + String(repeating: "x", count: 120), nil),
        ] as [(String, DockerEndpoint.Address?)])
    func endpointsAreRead(text: String, address: DockerEndpoint.Address?) {
        #expect((try? DockerEndpoint(parsing: text))?.address == address)
    }

    @Test func endpointsAreWrittenAsTheyAreRead() throws {
        for text in ["unix:///run/x.sock", "tcp://host:1", "tcp://[::1]:2"] {
            #expect(try DockerEndpoint(parsing: text).description == text)
        }
    }

    @Test(arguments: [
        ("1.41", APIVersion(1, 41)), ("1.9", APIVersion(1, 9)), ("1", nil), ("", nil), ("1.x", nil), ("1.2.3", nil),
        ("-1.2", nil), ("1.", nil),
    ])
    func versionsAreRead(text: String, version: APIVersion?) {
        #expect(APIVersion(text) == version)
    }

    @Test func versionsCompareByNumber() {
        #expect(APIVersion(1, 9) < APIVersion(1, 41))
        #expect(APIVersion(1, 52) < APIVersion(2, 0))
        #expect(!(APIVersion(1, 41) < APIVersion(1, 41)))
    }

    @Test(arguments: [
        ("abc", "/containers/abc/json"), ("a/b", "/containers/a%2Fb/json"), ("a?b#c%", "/containers/a%3Fb%23c%25/json"),
        ("ä\n", "/containers/%C3%A4%0A/json"), ("", nil), (".", nil), ("..", nil),
    ])
    func idsCannotLeaveTheirPlace(id: String, expected: String?) {
        #expect((try? path("/containers", id: id, "/json")) == expected)
    }

    @Test(arguments: [
        ("reg:5000/a/b:tag", "/images/reg:5000/a/b:tag/json"),
        ("a@sha256:00", "/images/a@sha256:00/json"), ("a b", "/images/a%20b/json"), ("", nil), ("a//b", nil),
        ("../containers/x", nil), ("a/./b", nil), ("a/..", nil), ("/a", nil),
    ])
    func imagesCannotLeaveTheirPlace(image: String, expected: String?) {
        #expect((try? path("/images", image: image, "/json")) == expected)
    }

    @Test func createBodySendsEmptyListsButNoNil() throws {
        var config = Docker.ContainerConfig()
        config.Image = "i"
        config.Healthcheck = Docker.HealthConfig.none
        config.ExposedPorts = ["80/tcp": Docker.EmptyObject()]
        var request = Docker.ContainerCreateRequest(config: config)
        request.HostConfig.MaskedPaths = []
        request.HostConfig.Memory = 0
        let text = String(decoding: try DockerEngine.encode(request), as: UTF8.self)
        let again = try DockerEngine.decode([String: Probe].self, Array(text.utf8), call: "")
        #expect(Set(again.keys) == ["Image", "Healthcheck", "ExposedPorts", "HostConfig"])
        #expect(text.contains(#""MaskedPaths":[]"#) && !text.contains("ReadonlyPaths"))
        #expect(text.contains(#""Test":["NONE"]"#) && text.contains(#""Memory":0"#))
        #expect(text.contains(#""80\/tcp":{}"#) || text.contains(#""80/tcp":{}"#))
    }

    private struct Probe: Decodable {
        init(from decoder: any Decoder) throws {}
    }

    @Test func inspectDecodesNullMissingAndUnknown() throws {
        let text = """
            {"Id":"x","Args":null,"State":null,"HostConfig":{"MaskedPaths":null,"ReadonlyPaths":[],"Binds":null,
            "PortBindings":{"80/tcp":null}},"Config":null,"Mounts":null,"ExecIDs":null,"GraphDriver":{"Data":null},
            "NetworkSettings":{"Networks":{"none":{"Aliases":null}},"Ports":null},"Novelty":{"a":[1]}}
            """
        let inspect = try DockerEngine.decode(Docker.ContainerInspectResponse.self, Array(text.utf8), call: "")
        #expect(inspect.Id == "x" && inspect.Name == "" && inspect.Args == [] && inspect.State.Pid == 0)
        #expect(inspect.HostConfig.MaskedPaths == nil && inspect.HostConfig.ReadonlyPaths == [])
        #expect(inspect.NetworkSettings.Networks["none"] != nil && inspect.SizeRw == nil)
        #expect(try DockerEngine.decode(Docker.ImageInspect.self, Array("{}".utf8), call: "").Config.Cmd == nil)
        #expect(try DockerEngine.decode(Docker.SystemInfo.self, Array("{}".utf8), call: "").Runtimes.isEmpty)
    }

    @Test func aValueOfAnotherTypeIsNamed() {
        let text = #"{"Id":"x","State":{"Pid":"many"}}"#
        let error = #expect(throws: DockerError.self) {
            try DockerEngine.decode(Docker.ContainerInspectResponse.self, Array(text.utf8), call: "GET /x")
        }
        #expect(error?.kind == .decoding)
        #expect(error?.description.contains("State.Pid") == true)
    }
}
