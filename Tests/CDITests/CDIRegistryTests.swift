import CDI
import Glibc
import Linux
import TestScratch
import Testing

@Suite("CDI specifications")
struct CDIRegistryTests {
    private static let full = """
        {"cdiVersion": "0.6.0", "kind": "vendor.com/gpu", "annotations": {"x": "y"},
         "devices": [
           {"name": "0", "containerEdits": {
              "env": ["GPU=0"], "additionalGids": [0, 44],
              "deviceNodes": [
                {"path": "/dev/null"},
                {"path": "/dev/gpu0", "hostPath": "/dev/zero", "permissions": "r", "fileMode": 438, "uid": 1, "gid": 2},
                {"path": "/dev/set", "type": "b", "major": 8, "minor": 1}],
              "intelRdt": {"closID": "x"}}},
           {"name": "1", "containerEdits": {"env": ["GPU=1"], "additionalGids": [44, 45]}},
           {"name": "bare"}],
         "containerEdits": {
           "mounts": [{"hostPath": "/usr/lib/gpu.so", "containerPath": "/lib/gpu.so", "options": ["ro", "bind"]}],
           "hooks": [{"hookName": "createContainer", "path": "/bin/hook", "args": ["hook", "x"], "env": ["A=b"], "timeout": 5}]}}
        """

    @Test("a device brings its own edits and, once, those of its specification")
    func edits() throws {
        let scratch = try Scratch()
        try scratch.write("gpu.json", Self.full)
        let registry = CDIRegistry(directories: [scratch.path])
        #expect(registry.problems == [])
        #expect(registry.names == ["vendor.com/gpu=0", "vendor.com/gpu=1", "vendor.com/gpu=bare"])
        let edits = try registry.edits(for: ["vendor.com/gpu=0", "vendor.com/gpu=1", "vendor.com/gpu=0"])
        #expect(edits.env == ["GPU=0", "GPU=1"])
        #expect(edits.additionalGids == [44, 45])
        #expect(edits.mounts.map(\.containerPath) == ["/lib/gpu.so"])
        #expect(edits.mounts.first?.options == ["ro", "bind"])
        #expect(edits.hooks.map(\.name) == ["createContainer"])
        #expect(edits.hooks.first?.timeout == 5)
        #expect(try registry.edits(for: ["vendor.com/gpu=bare"]).env == [])
        #expect(try registry.edits(for: []) == CDIEdits())
    }

    @Test("what a device node leaves open is the host's")
    func deviceNodes() throws {
        let scratch = try Scratch()
        try scratch.write("gpu.json", Self.full)
        let nodes = try CDIRegistry(directories: [scratch.path]).edits(for: ["vendor.com/gpu=0"]).deviceNodes
        #expect(nodes.map(\.path) == ["/dev/null", "/dev/gpu0", "/dev/set"])
        #expect(nodes.map(\.hostPath) == ["/dev/null", "/dev/zero", "/dev/set"])
        #expect(nodes.map(\.type) == ["c", "c", "b"])
        #expect(nodes.map(\.major) == [1, 1, 8])
        #expect(nodes.map(\.minor) == [3, 5, 1])
        #expect(nodes.map(\.permissions) == ["rwm", "r", "rwm"])
        #expect(nodes.map(\.fileMode) == [nil, 438, nil])
        #expect(nodes.map(\.uid) == [nil, 1, nil])
    }

    @Test("the directory of higher priority wins")
    func priority() throws {
        let scratch = try Scratch()
        try scratch.write("low/gpu.json", Self.specification(env: "LOW=1"))
        try scratch.write("low/other.json", Self.specification(env: "LOW=2"))
        try scratch.write("high/gpu.json", Self.specification(env: "HIGH=1"))
        let directories = [scratch("low"), scratch("absent"), scratch("high")]
        #expect(try CDIRegistry(directories: directories).edits(for: ["v.com/c=d"]).env == ["HIGH=1"])
    }

    @Test("two files of one priority are a conflict, which names both")
    func conflict() throws {
        let scratch = try Scratch()
        let files = [
            try scratch.write("a.json", Self.specification(env: "A=1")),
            try scratch.write("b.json", Self.specification(env: "B=1")),
        ]
        #expect { try CDIRegistry(directories: [scratch.path]).edits(for: ["v.com/c=d"]) } throws: { error in
            (files + ["v.com/c=d"]).allSatisfy { "\(error)".contains($0) }
        }
    }

    @Test("an unknown or malformed device is an error with its name", arguments: ["v.com/c=x", "v.com/c", "w.com/c=d"])
    func unknown(name: String) throws {
        let scratch = try Scratch()
        try scratch.write("a.json", Self.specification(env: "A=1"))
        #expect { try CDIRegistry(directories: [scratch.path]).edits(for: [name]) } throws: { "\($0)".contains(name) }
    }

    @Test(
        "files that cannot be used are reported and hurt no others",
        arguments: [
            "", "[]", "{", "null", #"{"kind":"v.com/c","devices":[{"name":"d"}]}"#,
            #"{"cdiVersion":"9.0.0","kind":"v.com/c","devices":[{"name":"d"}]}"#,
            #"{"cdiVersion":"0.5.0","kind":"v.com","devices":[{"name":"d"}]}"#,
            #"{"cdiVersion":"0.5.0","kind":"v.com/c","devices":[]}"#,
            #"{"cdiVersion":"0.5.0","kind":"v.com/c","devices":[{"name":"../d"}]}"#,
            #"{"cdiVersion":"0.5.0","kind":"v.com/c","devices":[{"name":"d"},{"name":"d"}]}"#,
            #"{"cdiVersion":"0.5.0","kind":"v.com/c","devices":[{"name":1}]}"#,
            edited(#""env":["X"]"#), edited(#""env":["=x"]"#), edited(#""deviceNodes":[{"path":"dev/x"}]"#),
            edited(#""deviceNodes":[{"path":"/x","type":"q"}]"#),
            edited(#""deviceNodes":[{"path":"/x","permissions":"x"}]"#),
            edited(#""deviceNodes":[{"path":"/x","major":"1"}]"#), edited(#""deviceNodes":[{}]"#),
            edited(#""mounts":[{"hostPath":"x","containerPath":"/y"}]"#), edited(#""mounts":[{"hostPath":"/x"}]"#),
            edited(#""hooks":[{"hookName":"x","path":"y"}]"#), edited(#""additionalGids":[-1]"#),
            String(repeating: "[", count: 100_000),
        ])
    func unusable(text: String) throws {
        let scratch = try Scratch()
        let bad = try scratch.write("bad.json", text)
        try scratch.write("good.json", Self.specification(env: "A=1", kind: "good.com/c"))
        let registry = CDIRegistry(directories: [scratch.path])
        #expect(registry.names == ["good.com/c=d"])
        #expect(registry.problems.count == 1)
        #expect(registry.problems.first?.hasPrefix(bad) == true)
    }

    @Test("huge files and directories are problems, other files are not looked at")
    func otherFiles() throws {
        let scratch = try Scratch()
        let huge = try scratch.write("huge.json", "{}")
        try system("truncate", huge) { truncate(huge, 1 << 40) }
        try scratch.directory("directory.json")
        mkfifo(scratch("fifo.json"), 0o600)
        try scratch.write("notes.txt", "x")
        let registry = CDIRegistry(directories: [scratch.path])
        #expect(registry.names == [])
        #expect(registry.problems.count == 3)
    }

    @Test("a device node that the host lacks, or of another kind, is an error that names it")
    func hostDevices() throws {
        let scratch = try Scratch()
        for (node, name) in [
            (#"{"path":"/dev/fender-absent"}"#, "absent"), (#"{"path":"/tmp"}"#, "directory"),
            (#"{"path":"/dev/null","type":"b"}"#, "block"),
        ] {
            try scratch.write("\(name).json", Self.edited(#""deviceNodes":[\#(node)]"#, kind: "v.com/\(name)"))
            #expect { try CDIRegistry(directories: [scratch.path]).edits(for: ["v.com/\(name)=d"]) } throws: {
                "\($0)".contains("v.com/\(name)=d")
            }
        }
    }

    private static func specification(env: String, kind: String = "v.com/c") -> String {
        edited(#""env":["\#(env)"]"#, kind: kind)
    }

    private static func edited(_ edits: String, kind: String = "v.com/c") -> String {
        #"{"cdiVersion":"0.5.0","kind":"\#(kind)","devices":[{"name":"d","containerEdits":{\#(edits)}}]}"#
    }
}
