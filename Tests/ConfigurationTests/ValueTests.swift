import Testing

@testable import Configuration

/// Parses `text` and shows the result; nil when it is refused.
private func shown<Value>(_ type: OptionType<Value>, _ text: String) throws -> String? {
    do {
        return type.show(try type.parse(text))
    } catch is InvalidValue {
        return nil
    }
}

struct ValueTests {
    @Test(arguments: [
        ("0", "0s"), ("0s", "0s"), ("90s", "1m30s"), ("1m0s", "1m"), ("2h45m30s", "2h45m30s"), ("1.5h", "1h30m"),
        ("500ms", "500ms"), (".5s", "500ms"), ("1.s", "1s"), ("2us", "0s"), ("2µs", "0s"), ("48h", "48h"),
        ("9223372036s", "2562047h47m16s"), ("9223372037s", nil), ("9999999999999999999h", nil), ("", nil), ("1", nil),
        ("-1s", nil), ("+1s", nil), ("1d", nil), ("s", nil), (".s", nil), ("1 s", nil), ("1..5s", nil), ("1.x5s", nil),
        ("٣s", nil), ("1s1", nil), ("4611686018s4611686018s4611686018s", nil),
    ]) func durations(text: String, result: String?) throws {
        #expect(try shown(.duration(), text) == result)
    }

    @Test(arguments: [
        ("", ""), ("a=/a", "a=/a"), ("runc=/x, kata-qemu=/y z", "runc=/x,kata-qemu=/y z"), ("a=/x=y", "a=/x=y"),
        ("runc", nil), ("runc=", nil), ("runc=runc", nil), ("=/x", nil), ("a=/x,a=/y", nil), ("native=/x", nil),
        ("Runc=/x", nil), ("a b=/x", nil), ("-a=/x", nil), ("\(String(repeating: "a", count: 64))=/x", nil),
    ]) func runtimeHandlers(text: String, result: String?) throws {
        #expect(try shown(.runtimeHandlers, text) == result)
    }

    @Test func zeroMayStandForTheDefault() throws {
        #expect(try OptionType.duration(zero: .seconds(119)).parse("0s") == .seconds(119))
    }

    @Test(arguments: [
        ("65536", "64k"), ("16m", "16m"), ("16MiB", "16m"), ("10Mi", "10m"), ("1g", "1g"), ("1GB", "1g"),
        ("100000", "100000"), ("65535", nil), ("", nil), ("m", nil), ("1.5m", nil), ("-1m", nil), ("1t", nil),
        ("9999999999g", nil), ("99999999999999999999", nil), ("1 m", nil),
    ]) func sizes(text: String, result: String?) throws {
        #expect(try shown(.size(atLeast: 65536), text) == result)
    }

    @Test(arguments: [
        ("unix:///run/fender/fender.sock", CRIEndpoint.path("/run/fender/fender.sock")), ("/x.sock", .path("/x.sock")),
        ("unix:/x.sock", .path("/x.sock")), ("fd://", .inherited(nil)), ("fd://*", .inherited(nil)),
        ("fd://3", .inherited("3")), ("fd://cri.socket", .inherited("cri.socket")),
        ("/" + String(repeating: "a", count: 106), .path("/" + String(repeating: "a", count: 106))),
        ("", nil), ("unix://", nil), ("unix://run/x", nil), ("x.sock", nil), ("tcp://127.0.0.1:1", nil),
        ("@abstract", nil), ("/run/", nil), ("/" + String(repeating: "a", count: 107), nil),
        ("npipe:////./pipe/x", nil),
        ("/a\0b", nil),
    ]) func criEndpoints(text: String, result: CRIEndpoint?) {
        #expect((try? OptionType.criEndpoint.parse(text)) == result)
        if let result { #expect((try? OptionType.criEndpoint.parse(OptionType.criEndpoint.show(result))) == result) }
    }

    @Test(arguments: [
        ("unix:///var/run/docker.sock", DockerAddress.unix("/var/run/docker.sock")), ("/d.sock", .unix("/d.sock")),
        ("tcp://10.0.0.1:2376", .tcp(host: "10.0.0.1", port: 2376, tls: false)),
        ("tcp://docker", .tcp(host: "docker", port: 2375, tls: false)),
        ("http://docker:80", .tcp(host: "docker", port: 80, tls: false)),
        ("https://docker", .tcp(host: "docker", port: 2376, tls: true)),
        ("tcp://[fd00::1]:2375", .tcp(host: "fd00::1", port: 2375, tls: false)),
        ("tcp://[fd00::1]", .tcp(host: "fd00::1", port: 2375, tls: false)),
        ("", nil), ("tcp://", nil), ("tcp://:2375", nil), ("tcp://d:0", nil), ("tcp://d:65536", nil),
        ("tcp://d:x", nil),
        ("tcp://[fd00::1]2375", nil), ("ssh://d", nil), ("fd://", nil), ("d.sock", nil),
    ]) func dockerEndpoints(text: String, result: DockerAddress?) {
        #expect((try? OptionType.dockerEndpoint.parse(text)) == result)
        if let result {
            #expect((try? OptionType.dockerEndpoint.parse(OptionType.dockerEndpoint.show(result))) == result)
        }
    }

    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1:0"), ("127.0.0.1:10250", "127.0.0.1:10250"), ("0.0.0.0:0", "0.0.0.0:0"),
        ("::1", "[::1]:0"), ("[::1]", "[::1]:0"), ("[::]:443", "[::]:443"), ("", nil), (":443", nil),
        ("localhost:1", nil), ("127.0.0.1:", nil), ("127.0.0.1:-1", nil), ("127.0.0.1:70000", nil), ("[::1]x", nil),
    ]) func streamingAddresses(text: String, result: String?) throws {
        #expect(try shown(.streamingAddress, text) == result)
    }

    @Test(arguments: [
        ("", ""), ("https://a.example", "https://a.example"), ("http://[::1]:80/x/", "http://[::1]:80/x"),
        ("a.example", nil), ("ftp://a", nil), ("https://", nil), ("https:///x", nil), ("https://a?b", nil),
        ("https://a#b", nil), ("https://a b", nil), ("https://me@a", nil),
    ]) func baseURLs(text: String, result: String?) throws {
        #expect(try shown(.baseURL, text) == result)
    }

    @Test(arguments: [
        ("660", "0660"), ("0o600", "0600"), ("0777", "0777"), ("0", "00"), ("1777", nil), ("888", nil), ("rw", nil),
        ("", nil), ("-1", nil),
    ]) func modes(text: String, result: String?) throws {
        #expect(try shown(.mode, text) == result)
    }

    @Test(arguments: [("root", "0"), ("0", "0"), ("", ""), ("4711", "4711"), ("no-such-group", nil), ("-1", nil)])
    func groups(text: String, result: String?) throws {
        #expect(try shown(.group, text) == result)
    }

    @Test(arguments: [
        ("/a, /b ,,/c", "/a,/b,/c"), ("", ""), ("/a,b", nil), ("/a\0b", nil),
    ]) func paths(text: String, result: String?) throws {
        #expect(try shown(.paths, text) == result)
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.0.0.0/8"), ("10.0.0.0/8,fd00::/48", "10.0.0.0/8,fd00::/48"), ("", ""), ("10.0.0.0/33", nil),
        ("10.0.0.0", nil), ("fd00::/129", nil), ("10.0.0.0/-1", nil), ("x/8", nil), ("10.0.0.0/8/8", nil),
    ]) func addressRanges(text: String, result: String?) throws {
        #expect(try shown(.ranges, text) == result)
    }

    @Test(arguments: [
        ("panic", "critical"), ("fatal", "critical"), ("error", "error"), ("warn", "warning"), ("warning", "warning"),
        ("INFO", "info"), ("debug", "debug"), ("trace", "trace"), ("notice", "notice"), ("critical", "critical"),
        ("", nil), ("loud", nil),
    ]) func logLevels(text: String, result: String?) throws {
        #expect(try shown(.logLevel, text) == result)
    }

    @Test(arguments: ["1", "t", "T", "true", "TRUE", "True"]) func yes(text: String) throws {
        #expect(try OptionType.boolean.parse(text))
    }

    @Test(arguments: ["0", "f", "F", "false", "FALSE", "False"]) func no(text: String) throws {
        #expect(try !OptionType.boolean.parse(text))
    }

    @Test(arguments: ["", "yes", "tRUE", "2"]) func neither(text: String) throws {
        #expect(try shown(.boolean, text) == nil)
    }
}
