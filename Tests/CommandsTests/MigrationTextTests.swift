import Linux
import TestScratch
import Testing

@testable import Commands

/// Texts of a node's files, read and changed where they stand.
struct MigrationTextTests {
    private func removed(_ text: String, _ names: Set<String>) throws -> String {
        var flags = FlagText(Array(text.utf8))
        try flags.remove(names)
        return String(decoding: flags.bytes, as: UTF8.self)
    }

    @Test(arguments: [
        (#"A="--network-plugin=cni --v=2""#, #"A="--v=2""#), (#"A="--v=2 --network-plugin=cni""#, #"A="--v=2""#),
        (#"A="--v=2 --network-plugin cni --x""#, #"A="--v=2 --x""#), (#"A="--network-plugin=cni""#, #"A="""#),
        ("A=--network_plugin=cni --v=2", "A=--v=2"), ("# --network-plugin=cni", "# --network-plugin=cni"),
        ("A=--network-plugin=", "A="), ("A=--my-network-plugin=cni", "A=--my-network-plugin=cni"),
        ("X=1 # c\nA=--network-plugin=cni\nY=2\n", "X=1 # c\nA=\nY=2\n"),
        ("ExecStart=/k \\\n  --network-plugin=cni \\\n  --v=2\n", "ExecStart=/k \\\n  --v=2\n"),
        ("ExecStart=/k \\\n  --v=2 \\\n  --network-plugin=cni\n", "ExecStart=/k \\\n  --v=2\n"),
        ("ExecStart=/k --network-plugin=cni \\\n  --v=2\n", "ExecStart=/k \\\n  --v=2\n"),
        (#"Environment="A=--network-plugin=cni --cni-bin-dir=/b""#, #"Environment="A=""#),
    ])
    func flagsGo(text: String, left: String) throws {
        #expect(try removed(text, ["network-plugin", "cni-bin-dir"]) == left)
    }

    @Test(arguments: [
        ("A=--e=old --v", "A=--e=new --v"), ("A='--e old'", "A='--e new'"), ("--e=\"a\" x", "--e=new x"),
        ("--e=a --e=b", "--e=new --e=new"),
    ])
    func flagsChange(text: String, changed: String) throws {
        var flags = FlagText(Array(text.utf8))
        try flags.set("e", "new")
        #expect(String(decoding: flags.bytes, as: UTF8.self) == changed)
    }

    @Test(arguments: ["--e=$HERE", "--e=${HERE}/x", "--e=%t/x", "--e=a\\x"]) func whatIsNotWrittenOut(text: String) {
        #expect(throws: MigrationError.self) {
            var flags = FlagText(Array(text.utf8))
            try flags.set("e", "new")
        }
    }

    @Test(arguments: [
        ("A=\"--v=2\"\n", "A=\"--v=2 --x\"\n"), ("A=\"\"", "A=\"--x\""), ("A=", "A=\"--x\""),
        ("A=--v=2", "A=\"--v=2 --x\""), ("B=1\nA='--v=2'  \nC=3", "B=1\nA='--v=2 --x'  \nC=3"),
    ])
    func flagsCome(text: String, longer: String) {
        var flags = FlagText(Array(text.utf8))
        let isAdded = flags.append("--x", toVariable: "A")
        #expect(isAdded)
        #expect(String(decoding: flags.bytes, as: UTF8.self) == longer)
        let isElsewhere = flags.append("--x", toVariable: "NONE")
        #expect(!isElsewhere)
    }

    private func yaml(_ text: String) throws -> YAMLText {
        try YAMLText(NodeFile(path: "/c.yaml", bytes: Array(text.utf8), mode: 0o644, owner: 0, group: 0))
    }

    @Test(arguments: [
        ("a: 1\ncontainerRuntimeEndpoint: \"unix:///old\"  # why\nb:\n", "unix:///old"),
        ("containerRuntimeEndpoint: unix:///old\nnested:\n  containerRuntimeEndpoint: x\n", "unix:///old"),
        ("containerRuntimeEndpoint: ''\n", nil), ("containerRuntimeEndpoint:\n", nil), ("a: 1", nil), ("", nil),
        ("---\n# c\na: 1\n", nil),
    ])
    func scalarsOfYAML(text: String, value: String?) throws {
        var document = try yaml(text)
        #expect(try document.value("containerRuntimeEndpoint") == value)
        try document.set("containerRuntimeEndpoint", "unix:///new")
        #expect(try yaml(document.text).value("containerRuntimeEndpoint") == "unix:///new")
        let others = { (text: String) in text.split(separator: "\n").filter { !$0.hasPrefix("containerRuntime") } }
        #expect(others(document.text) == others(text))
        #expect(!text.contains("# why") || document.text.contains("containerRuntimeEndpoint: unix:///new  # why\n"))
    }

    @Test(arguments: [
        "{\"a\": 1}", "a: 1\n---\nb: 2\n", "containerRuntimeEndpoint: a\ncontainerRuntimeEndpoint: b\n",
        "containerRuntimeEndpoint: |\n  x\n",
    ])
    func documentsThatLinesCannotRead(text: String) {
        #expect(throws: MigrationError.self) { try yaml(text).value("containerRuntimeEndpoint") }
    }

    @Test func wordsOfAUnit() {
        #expect(UnitText.words(#"a "b c" 'd "e' f\ g "" x"y"z"#) == ["a", "b c", "d \"e", "f g", "", "xyz"])
        let text = "[Service]\n; no\nExecStart=\nExecStart = /k \\\n# in between\n  --a \\\n  --b\n[Install]\nX=1\n"
        #expect(
            UnitText.assignments(in: text) == [
                .init(section: "Service", key: "ExecStart", value: ""),
                .init(section: "Service", key: "ExecStart", value: "/k  --a  --b"),
                .init(section: "Install", key: "X", value: "1"),
            ])
    }

    @Test func unitsAndTheirDropIns() throws {
        let scratch = try Scratch()
        try scratch.write("usr/lib/systemd/system/x.service", "[Service]\nExecStart=/bin/x --old\n")
        try scratch.write(
            "usr/lib/systemd/system/x.service.d/10.conf", "[Service]\nEnvironment=\"A=--one --two\" B=b\n")
        try scratch.write("usr/lib/systemd/system/x.service.d/20.conf", "[Service]\nExecStart=/hidden\n")
        try scratch.write(
            "etc/systemd/system/x.service.d/20.conf",
            "[Service]\nEnvironmentFile=-/etc/none\nEnvironmentFile=/etc/x\nExecStart=\nExecStart=-/bin/x $A ${B}/c $C $D\n"
        )
        try scratch.write("etc/x", "# no\nC=\"--three\"\n")
        var node = Node()
        node.root = scratch.path
        let unit = try #require(try Unit("x.service", on: node))
        #expect(try unit.command(on: node) == ["/bin/x", "--one", "--two", "b/c", "--three"])
        #expect(unit.environmentFiles == ["/etc/none", "/etc/x"])
        #expect(try Unit("y.service", on: node) == nil)
    }

    /// The same text as diff(1) prints.
    @Test(arguments: [
        ("a\nb\nc\n", "a\nB\nc\n"), ("", "a\n"), ("a\n", ""), ("a", "a\n"), ("a\n", "a\nb"),
        ((1...40).map { "\($0)\n" }.joined(), (1...40).map { $0 % 13 == 5 ? "x\n" : "\($0)\n" }.joined()),
    ])
    func differences(old: String, new: String) async throws {
        let scratch = try Scratch()
        var command = Command("/usr/bin/diff")
        command.arguments = ["-u", try scratch.write("old", old), try scratch.write("new", new)]
        let output = String(decoding: try await command.run().output, as: UTF8.self)
        let expected = output.split(separator: "\n").dropFirst(2).map(String.init)
        let ours = UnifiedDiff.lines("/f", from: old, to: new).flatMap { $0.split(separator: "\n").map(String.init) }
        #expect(ours.dropFirst(2).map(normal) == expected.map(normal))
        #expect(ours.first == "--- /f")
    }

    /// diff(1) leaves out a count of one.
    private func normal(_ line: String) -> String {
        guard line.hasPrefix("@@") else { return line }
        return line.split(separator: " ").map { $0.contains(",") || $0 == "@@" ? String($0) : "\($0),1" }
            .joined(separator: " ")
    }

    @Test func theUnitsArePackagings() throws {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        #expect(try Files.read("/\(root)/packaging/fender.service") == Array(UnitFiles.service.utf8))
        #expect(try Files.read("/\(root)/packaging/fender.socket") == Array(UnitFiles.socket.utf8))
    }
}
