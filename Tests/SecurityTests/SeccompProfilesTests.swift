import Glibc
import Linux
import Security
import TestScratch
import Testing

@Suite("Seccomp profiles in files")
struct SeccompProfilesTests {
    @Test("JSON comes out compact, with every digit and character")
    func compact() throws {
        let text = """
            { "defaultAction" : "SCMP_ACT_ERRNO",
              "syscalls" : [ { "names" : ["read", "a b\\"\\u00e9"], "args":[{"value": 18446744073709551615 } ] } ],
              "x": [ ], "y": { }, "z": [true , false, null, -1.50e+10, 0]
            }

            """
        let compact =
            #"{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read","a b\"\u00e9"],"#
            + #""args":[{"value":18446744073709551615}]}],"x":[],"y":{},"z":[true,false,null,-1.50e+10,0]}"#
        let scratch = try Scratch()
        try scratch.write("p.json", text)
        #expect(try SeccompProfiles(root: scratch.path).load("p.json") == compact)
        #expect(try SeccompProfiles(root: "/absent").load("\(scratch.path)/p.json") == compact)
        #expect(
            try SeccompProfiles(root: scratch.path).dockerOption(for: .localhost("p.json")) == "seccomp=" + compact)
    }

    @Test(
        "what is no JSON object is refused",
        arguments: [
            "", "[]", "\"x\"", "1", "{", "{}x", "{} {}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{\"a\":01}",
            "{\"a\":1.}", "{\"a\":+1}", "{\"a\":tru}", "{\"a\":'x'}", "{\"a\":\"\n\"}", "{\"a\":\"\\x\"}",
            "{\"a\":\"\\u12g4\"}", "{\"a\":[1,]}", "{\"a\":NaN}", "// x\n{}",
            String(repeating: "{\"a\":", count: 10_000) + "1" + String(repeating: "}", count: 10_000),
        ])
    func malformed(text: String) throws {
        let scratch = try Scratch()
        try scratch.write("p.json", text)
        #expect(throws: SecurityError.self) { try SeccompProfiles(root: scratch.path).load("p.json") }
    }

    @Test("bytes that are no UTF-8 are refused")
    func notText() throws {
        let scratch = try Scratch()
        try scratch.write("p.json", Array("{\"a\":\"".utf8) + [0xff] + Array("\"}".utf8))
        #expect(throws: SecurityError.self) { try SeccompProfiles(root: scratch.path).load("p.json") }
    }

    @Test("a relative reference stays below the root")
    func escape() throws {
        let scratch = try Scratch()
        try scratch.write("outside.json", "{}")
        let root = try scratch.directory("root")
        symlink("../outside.json", root + "/link.json")
        for reference in ["../outside.json", "link.json", "x/../../outside.json", ""] {
            #expect(throws: SecurityError.self) { try SeccompProfiles(root: root).load(reference) }
        }
    }

    @Test("files that are absent, no files, or huge are refused")
    func refused() throws {
        let scratch = try Scratch()
        try scratch.write("huge.json", "{}")
        let huge = scratch("huge.json")
        try system("truncate", huge) { truncate(huge, 1 << 40) }
        mkfifo(scratch("fifo"), 0o600)
        for reference in ["absent", "fifo", "huge.json", scratch.path, "/dev/zero", "a\u{0}b"] {
            #expect(throws: SecurityError.self) { try SeccompProfiles(root: scratch.path).load(reference) }
        }
    }

    @Test("Docker's default needs no option")
    func dockerOptions() throws {
        #expect(try SeccompProfiles().dockerOption(for: .runtimeDefault) == nil)
        #expect(try SeccompProfiles().dockerOption(for: .unconfined) == "seccomp=unconfined")
    }
}
