import TestScratch
import Testing

@testable import CDI

@Suite("CDI specifications in YAML")
struct YAMLSubsetTests {
    @Test("what nvidia-ctk and the CDI library write is read")
    func specification() throws {
        let scratch = try Scratch()
        try scratch.write(
            "gpu.yaml",
            """
            ---
            cdiVersion: 0.5.0
            kind: nvidia.com/gpu   # a comment
            containerEdits:
              env:
              - NVIDIA_VISIBLE_DEVICES=void
              hooks:
              - args:
                - nvidia-cdi-hook
                - create-symlinks
                - --link
                - ../libnvidia-allocator.so.1::/usr/lib/gbm/nvidia-drm_gbm.so
                hookName: createContainer
                path: /usr/bin/nvidia-cdi-hook
              mounts:
                - containerPath: /usr/bin/nvidia-smi
                  hostPath: /usr/bin/nvidia-smi
                  options: [ro, nosuid, "nodev", 'bind']
            devices:
            - name: 0
              containerEdits:
                deviceNodes:
                - path: /dev/null
                  fileMode: 0666
                  permissions: rw
                - {path: /dev/set, type: c, major: 195, minor: 0}
                additionalGids:
                - 44
            - containerEdits: {}
              name: "GPU-\\u0061:1"
            """)
        let registry = CDIRegistry(directories: [scratch.path])
        #expect(registry.problems == [])
        #expect(registry.names == ["nvidia.com/gpu=0", "nvidia.com/gpu=GPU-a:1"])
        let edits = try registry.edits(for: ["nvidia.com/gpu=0"])
        #expect(edits.env == ["NVIDIA_VISIBLE_DEVICES=void"])
        #expect(edits.hooks.first?.args.count == 4)
        #expect(edits.hooks.first?.name == "createContainer")
        #expect(edits.mounts.first?.options == ["ro", "nosuid", "nodev", "bind"])
        #expect(edits.deviceNodes.map(\.major) == [1, 195])
        #expect(edits.deviceNodes.map(\.fileMode) == [0o666, nil])
        #expect(edits.additionalGids == [44])
    }

    @Test(
        "the forms of values",
        arguments: [
            ("a: b", #"{"a":"b"}"#), ("- a\n- b", #"["a","b"]"#), ("a:\n- b\nc: d", #"{"a":["b"],"c":"d"}"#),
            ("a:\n  b:\n    c: d\ne:", #"{"a":{"b":{"c":"d"}},"e":null}"#), ("- - a\n  - b\n- c", #"[["a","b"],"c"]"#),
            ("- a: 1\n  b: 2\n- a: 3", #"[{"a":"1","b":"2"},{"a":"3"}]"#), ("-\n  a: b", #"[{"a":"b"}]"#),
            ("a: 'it''s # no comment'", #"{"a":"it's # no comment"}"#), (#"a: "x\"y\tz" # c"#, #"{"a":"x\"y\u0009z"}"#),
            ("a: b#c", #"{"a":"b#c"}"#), ("a: x:y", #"{"a":"x:y"}"#), ("a: http://x", #"{"a":"http://x"}"#),
            ("a: ~", #"{"a":null}"#), ("major: 0x10\nminor: 010\ngid: -1", #"{"major":16,"minor":8,"gid":-1}"#),
            ("a: []\nb: {}", #"{"a":[],"b":{}}"#), ("a: [x, [y, z], {b: c}]", #"{"a":["x",["y","z"],{"b":"c"}]}"#),
            ("a: one\n  two\nb: c", #"{"a":"one two","b":"c"}"#), ("\"a b\": c", #"{"a b":"c"}"#),
            ("# only\n\na: b\r\n...\nx", #"{"a":"b"}"#), ("", "null"), ("plain", #""plain""#),
            ("uid: x", #"{"uid":"x"}"#),
        ])
    func values(text: String, json: String) throws {
        #expect(String(decoding: try YAMLSubset.json(text), as: UTF8.self) == json)
    }

    @Test(
        "what is not understood is refused",
        arguments: [
            "a: &x b", "a: *x", "a: !t b", "a: |\n  x", "a: >-\n  x", "? a", "a: 'x", "a: \"x", "a: [x", "a: {x: y",
            "a: b\n---\nc: d",
            "%YAML 1.2\n---\na: b", "a: b\na: c", "\ta: b", "a:\n\tb: c", "a: b\n  c: d", "- a\nb: c", "a: \"\\q\"",
            "a: \"\\uZZZZ\"",
            "a: \"\\ud800\"", "a: 'x' y", "a: {x}", "a: [x y: z", "  a: b\nc: d", "a: \"x\n  y\"",
            String(repeating: "- ", count: 10_000) + "x", "a: " + String(repeating: "[", count: 10_000),
        ])
    func refused(text: String) {
        #expect(throws: YAMLSubset.Malformed.self) { try YAMLSubset.json(text) }
    }
}
