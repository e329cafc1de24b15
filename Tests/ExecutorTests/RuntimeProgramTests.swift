import Glibc
import Linux
import TestScratch
import Testing

@testable import Executor

struct RuntimeProgramTests {
    @Test(
        arguments: [
            (#"{"level":"error","msg":"first"}"# + "\n" + #"{"level":"error","msg":"last"}"# + "\n", "last"),
            (#"{"msg":"crun says no level"}"#, "crun says no level"),
            (#"{"level":"error","msg":"why"}"# + "\n" + #"{"level":"warning","msg":"noise"}"# + "\n", "why"),
            (#"{"level":"error","msg":"why"}"# + "\n{\"level\":\"err", "why"), ("plain text", nil), ("", nil),
        ] as [(String, String?)])
    func whatALogComplainsOf(log: String, message: String?) throws {
        let scratch = try Scratch()
        try scratch.write("log", log)
        #expect(RuntimeProgram.message(in: scratch("log")) == message)
    }

    @Test func aFailureIsToldInTheRuntimesWords() throws {
        let scratch = try Scratch()
        try scratch.write(
            "runtime", "#!/bin/sh\necho '{\"level\":\"error\",\"msg\":\"'$6' is not for me\"}' > $4\nexit 3\n")
        let path = scratch("runtime")
        try system("chmod") { chmod(path, 0o755) }
        let program = RuntimeProgram(path: path, root: scratch("root"))
        let error = #expect(throws: ExecutorError.self) { try program.run(["start", "x"], log: scratch("log")) }
        #expect(error?.message == "runtime start: json is not for me")
    }

    @Test func aMissingProgramIsNamed() throws {
        let scratch = try Scratch()
        let program = RuntimeProgram(path: "/no/such/runtime", root: scratch("root"))
        #expect(!program.isInstalled)
        let error = #expect(throws: ExecutorError.self) { try program.run(["state"], log: scratch("log")) }
        #expect(error?.message == "/no/such/runtime: no such file or directory")
    }
}
