import OCI
import Testing

private func spec(_ more: String) throws -> Spec {
    try Spec(
        parsing: Array(#"{"ociVersion":"1.2.0","root":{"path":"rootfs"}\#(more.isEmpty ? "" : ",")\#(more)}"#.utf8))
}

@Suite struct SpecTests {
    @Test(arguments: [
        (#""process":{"cwd":"/","args":[]}"#, "process.args: is empty"),
        (#""process":{"cwd":"x","args":["a"]}"#, "process.cwd: must be absolute"),
        (#""process":{"args":["a"]}"#, "process.cwd: is missing"),
        (#""process":{"cwd":"/","args":["a\u0000b"]}"#, "process.args[0]: must not hold a NUL"),
        (
            #""process":{"cwd":"/","args":["a"],"user":{"uid":4294967296}}"#,
            "process.user.uid: must be an integer from 0 to 4294967295"
        ),
        (
            #""process":{"cwd":"/","args":["a"],"user":{"uid":-1}}"#,
            "process.user.uid: must be an integer from 0 to 4294967295"
        ),
        (
            #""process":{"cwd":"/","args":["a"],"rlimits":[{"type":"RLIMIT_X","soft":1,"hard":2}]}"#,
            "process.rlimits[0].type: RLIMIT_X is unknown"
        ),
        (
            #""process":{"cwd":"/","args":["a"],"rlimits":[{"type":"RLIMIT_CPU","soft":3,"hard":2}]}"#,
            "process.rlimits[0].soft: is above hard"
        ),
        (#""process":{"cwd":"/","args":["a"],"oomScoreAdj":1001}"#, "process.oomScoreAdj: must be -1000 to 1000"),
        (#""mounts":[{"destination":"/a"},{"source":"x"}]"#, "mounts[1].destination: is missing"),
        (#""hooks":{"poststop":[{"path":"x"}]}"#, "hooks.poststop[0].path: must be absolute"),
        (#""linux":{"namespaces":[{"type":"pid"},{"type":"pid"}]}"#, "linux.namespaces: lists pid twice"),
        (#""linux":{"namespaces":[{"type":"moon"}]}"#, "linux.namespaces[0].type: is unknown"),
        (#""linux":{"intelRdt":{"closID":"x"}}"#, "linux.intelRdt: is not supported"),
        (
            #""linux":{"resources":{"devices":[{"allow":true,"access":"x"}]}}"#,
            "linux.resources.devices[0].access: must be of r, w and m"
        ),
        (
            #""linux":{"resources":{"memory":{"limit":"1"}}}"#,
            "linux.resources.memory.limit: must be an integer from -9223372036854775808 to 9223372036854775807"
        ),
        (#""linux":{"resources":{"unified":{"../x":"1"}}}"#, "linux.resources.unified: ../x is no file of a cgroup"),
        (#""windows":{"layerFolders":["x"]}"#, "windows: is not supported"),
    ])
    func `what cannot be honoured is refused by its path`(text: String, error: String) {
        #expect { try spec(text) } throws: { "\($0)" == error }
    }

    @Test(arguments: ["", "[]", "{", "{}", #"{"ociVersion":"2.0"}"#, #"{"ociVersion":"1.0.0"}"#, "null", "1"])
    func `what is no configuration is refused`(text: String) {
        #expect(throws: (any Error).self) { try Spec(parsing: Array(text.utf8)) }
    }

    @Test func `empty sections of what is not supported are fine`() throws {
        let spec = try spec(#""linux":{"intelRdt":{},"netDevices":{}},"vm":null"#)
        #expect(spec.linux.namespaces.isEmpty)
        #expect(spec.process == nil)
    }

    @Test func `the last of two equal keys counts, as in Go`() throws {
        #expect(try spec(#""hostname":"a","hostname":"b""#).hostname == "b")
    }

    @Test func `no cut of a document crashes`() throws {
        let text = Array(
            #"{"ociVersion":"1.2.0","root":{"path":"r"},"process":{"cwd":"/","args":["\u00e9\ud83d\ude00"]},"mounts":[]}"#
                .utf8)
        for length in 0..<text.count {
            #expect(throws: (any Error).self) { try Spec(parsing: Array(text[..<length])) }
        }
        #expect(try Spec(parsing: text).process?.arguments == ["é😀"])
    }

    @Test func `no changed byte crashes`() {
        let text = Array(#"{"ociVersion":"1.2.0","root":{"path":"r"},"linux":{"resources":{"pids":{"limit":5}}}}"#.utf8)
        var refused = 0
        for index in text.indices {
            for byte in UInt8.min...UInt8.max {
                var changed = text
                changed[index] = byte
                if (try? Spec(parsing: changed)) == nil { refused += 1 }
            }
        }
        #expect(refused > 0)
    }
}

@Suite struct JSONTests {
    @Test(arguments: [
        #"{"a":[1,-2.5e+3,true,false,null,"x\"\\\n"],"b":{}}"#, "[]", #""\u0001""#,
    ])
    func `what is written reads the same`(text: String) throws {
        let value = try JSON(parsing: Array(text.utf8))
        #expect(try JSON(parsing: value.bytes) == value)
    }

    @Test(arguments: ["01", "1.", "+1", ".5", "\"\u{01}\"", "{\"a\" 1}", "[1,]", "tru", "\"\\x\"", "1 2", "\"\\u12\""])
    func `what is no JSON is refused`(text: String) {
        #expect(throws: JSONError.self) { try JSON(parsing: Array(text.utf8)) }
    }

    @Test func `nesting has a bound`() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: JSONError.self) { try JSON(parsing: Array(deep.utf8)) }
    }
}
