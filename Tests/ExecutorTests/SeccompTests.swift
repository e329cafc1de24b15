import Linux
import OCI
import TestScratch
import Testing

@testable import Executor

private func seccomp(_ text: String) throws -> Seccomp {
    let document = #"{"ociVersion":"1.2.0","root":{"path":"r"},"linux":{"seccomp":\#(text)}}"#
    return try #require(try Spec(parsing: Array(document.utf8)).linux.seccomp)
}

@Suite struct SeccompTests {
    private static let profile = #"""
        {"defaultAction":"SCMP_ACT_ERRNO","architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86","SCMP_ARCH_AARCH64"],
        "syscalls":[{"names":["read","write","no_such_call"],"action":"SCMP_ACT_ALLOW"},
        {"names":["personality"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":0,"op":"SCMP_CMP_EQ"}]}]}
        """#

    @Test func `a filter that refuses by default says of calls it cannot know that they do not exist`() throws {
        let program = try SeccompCompiler(try seccomp(Self.profile)).compile().program
        // ret ERRNO|ENOSYS is the sixth instruction.
        #expect(Array(program[40..<48]) == [6, 0, 0, 0, 38, 0, 5, 0])
        let allowing = try SeccompCompiler(try seccomp(#"{"defaultAction":"SCMP_ACT_ALLOW"}"#)).compile().program
        #expect(allowing.count % 8 == 0 && !allowing.isEmpty)
    }

    @Test(arguments: [
        (#"{"defaultAction":"SCMP_ACT_X"}"#, "linux.seccomp.defaultAction: SCMP_ACT_X is unknown"),
        (
            #"{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X"]}"#,
            "linux.seccomp.architectures: SCMP_ARCH_X is unknown"
        ),
        (#"{"defaultAction":"SCMP_ACT_ALLOW","flags":["X"]}"#, "linux.seccomp.flags: X is unknown"),
        (
            #"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_ERRNO","args":[{"index":0,"op":"X"}]}]}"#,
            "linux.seccomp.syscalls[0].args: X is unknown"
        ),
    ])
    func `what is unknown is refused`(text: String, error: String) {
        #expect { try SeccompCompiler(try seccomp(text)).compile() } throws: { "\($0)" == error }
    }

    @Test func `a compiled filter is found again, and a spoilt one is not taken`() throws {
        let scratch = try Scratch()
        let cache = SeccompCache(directory: scratch("cache"))
        let profile = try seccomp(Self.profile)
        let filter = try cache.filter(profile)
        let names = try Files.names(in: scratch("cache"))
        #expect(names.count == 1)
        #expect(try cache.filter(profile) == filter)
        try scratch.write("cache/\(names[0])", "spoilt")
        #expect(try cache.filter(profile) == filter)
        #expect(try Files.names(in: scratch("cache")) == names)
    }

    @Test func `the filters that are kept are not more and more`() throws {
        let scratch = try Scratch()
        let cache = SeccompCache(directory: scratch("cache"))
        try Files.makeDirectories(scratch("cache"))
        for number in 0..<SeccompCache.limit { try scratch.write("cache/\(number)", "old") }
        let filter = try cache.filter(try seccomp(Self.profile))
        #expect(try Files.names(in: scratch("cache")).count == 1)
        #expect(try cache.filter(try seccomp(Self.profile)) == filter)
    }
}
