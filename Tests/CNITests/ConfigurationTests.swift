import Glibc
import Linux
import Testing

@testable import CNI

@Suite struct ConfigurationTests {
    @Test func firstValidFileInNameOrderWins() async throws {
        let bench = try await Bench()
        try bench.configure("{", name: "05-broken.conflist")
        try bench.configure(#"{"name":"plain","type":"ptp","cniVersion":"0.3.1"}"#, name: "20-plain.conf")
        try bench.configure(Script.list("bridge"), name: "30-list.conflist")
        try bench.configure(Script.list("early"), name: "00-other.txt")
        let snapshot = bench.network().snapshot
        #expect(snapshot.network?.name == "plain")
        #expect(snapshot.network?.cniVersion == "0.3.1")
        #expect(snapshot.network?.pluginTypes == ["ptp"])
        #expect(snapshot.network?.path == "\(bench.directory)/net.d/20-plain.conf")
        #expect(snapshot.rejected.keys.sorted() == ["05-broken.conflist"])
    }

    @Test(arguments: [
        "", "[]", "null", "\"x\"", "{}", #"{"name":"n"}"#, #"{"name":"n","plugins":[]}"#, #"{"name":"n","plugins":{}}"#,
        #"{"name":"n","plugins":[1]}"#, #"{"name":"n","plugins":[{}]}"#, #"{"name":"n","plugins":[{"type":5}]}"#,
        #"{"name":"n","plugins":[{"type":""}]}"#, #"{"name":"n","plugins":[{"type":"../../bin/sh"}]}"#,
        #"{"name":"n","plugins":[{"type":"/bin/sh"}]}"#, #"{"name":"n","plugins":[{"type":".."}]}"#,
        #"{"name":"n","plugins":[{"type":"a\u0000b"}]}"#, #"{"name":"n","plugins":[{"type":"a\u002fb"}]}"#,
        #"{"name":"n","plugins":[{"type":"a","ipam":{"type":"../evil"}}]}"#, #"{"plugins":[{"type":"a"}]}"#,
        #"{"name":"../n","plugins":[{"type":"a"}]}"#, #"{"name":"n/m","plugins":[{"type":"a"}]}"#,
        #"{"name":7,"plugins":[{"type":"a"}]}"#, #"{"name":"n","cniVersion":1,"plugins":[{"type":"a"}]}"#,
        #"{"name":"n","cniVersion":"banana","plugins":[{"type":"a"}]}"#,
        #"{"name":"n","cniVersion":"2.0.0","plugins":[{"type":"a"}]}"#,
        #"{"name":"n","cniVersions":"1.0.0","plugins":[{"type":"a"}]}"#,
        #"{"name":"n","disableCheck":"perhaps","plugins":[{"type":"a"}]}"#,
    ])
    func hostileListsArePassedOver(_ text: String) async throws {
        let bench = try await Bench()
        try bench.configure(text, name: "10-bad.conflist")
        #expect(bench.network().snapshot.network == nil)
        #expect(bench.network().snapshot.rejected["10-bad.conflist"]?.isEmpty == false)
        try bench.configure(Script.list("good"), name: "20-good.conflist")
        #expect(bench.network().snapshot.network?.pluginTypes == ["good"])
    }

    @Test func filesThatAreNoFilesDoNotHoldUp() async throws {
        let bench = try await Bench()
        let folder = "\(bench.directory)/net.d"
        try Files.makeDirectories("\(folder)/01-directory.conflist")
        #expect(mkfifo("\(folder)/02-fifo.conf", 0o600) == 0)
        #expect(symlink("/dev/zero", "\(folder)/03-zero.json") == 0)
        #expect(symlink("\(folder)/nowhere", "\(folder)/04-dangling.conf") == 0)
        #expect(symlink("05-loop.conf", "\(folder)/05-loop.conf") == 0)
        try bench.configure(String(repeating: " ", count: 2 << 20), name: "06-large.conf")
        try bench.configure(String(repeating: "[", count: 500_000), name: "07-deep.conf")
        try bench.configure(Script.list("good"), name: "20-good.conflist")
        let snapshot = bench.network().snapshot
        #expect(snapshot.network?.pluginTypes == ["good"])
        #expect(snapshot.rejected.count == 7)
    }

    @Test(arguments: [
        (#""cniVersion":"0.4.0""#, "0.4.0"), (#""cniVersions":["0.3.1","1.1.0","9.0.0"]"#, "1.1.0"),
        (#""cniVersion":"1.0.0","cniVersions":["0.3.1"]"#, "1.0.0"),
        (#""cniVersion":"9.0.0","cniVersions":["1.0.0"]"#, "1.0.0"),
        (#""x":1"#, "0.1.0"), (#""cniVersion":"""#, "0.1.0"),
    ])
    func highestCommonVersionIsSpoken(_ member: String, _ expected: String) async throws {
        let bench = try await Bench()
        try bench.configure(#"{"name":"n",\#(member),"plugins":[{"type":"a"}]}"#)
        #expect(bench.network().snapshot.network?.cniVersion == expected)
    }

    @Test func pluginsOfOtherFilesAreAdded() async throws {
        let bench = try await Bench()
        try Files.makeDirectories("\(bench.directory)/net.d/test")
        try bench.write("net.d/test/20-b.conf", #"{"type":"b"}"#)
        try bench.write("net.d/test/10-a.conf", #"{"type":"a"}"#)
        try bench.write("net.d/test/30-c.conflist", #"{"type":"c"}"#)
        try bench.configure(Script.list("first"))
        #expect(bench.network().snapshot.network?.pluginTypes == ["first", "a", "b"])
        try bench.configure(Script.list("first", extra: #","loadOnlyInlinedPlugins":true"#))
        #expect(bench.network().snapshot.network?.pluginTypes == ["first"])
    }

    @Test func aListNeedsItsSuffix() async throws {
        let bench = try await Bench()
        try bench.configure(Script.list("a"), name: "10-list.conf")
        #expect(bench.network().snapshot.network == nil)
        #expect(bench.network().snapshot.rejected["10-list.conf"]?.contains(".conflist") == true)
    }

    @Test func statusTellsWhatIsMissing() async throws {
        let bench = try await Bench()
        let missing = await bench.network { $0.configurationDirectory = "/nonexistent/net.d" }.status()
        #expect(!missing.ready && missing.reason == "NetworkPluginNotReady")
        #expect(missing.message.contains("/nonexistent/net.d"))
        try bench.configure("{", name: "10-broken.conflist")
        #expect(await bench.network().status().message.contains("10-broken.conflist: not JSON"))
        try bench.configure(Script.list("one", "two"), name: "20-good.conflist")
        try bench.install("one", Script.good)
        let half = await bench.network().status()
        #expect(!half.ready && half.message.contains("no plugin two"))
        try bench.install("two", Script.good)
        #expect(await bench.network().status() == .good)
        #expect(bench.calls().isEmpty)
    }
}
