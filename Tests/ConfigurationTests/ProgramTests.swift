import Glibc
import Linux
import Testing

@testable import Configuration

/// How a run of the program ended.
private struct Outcome {
    var code: Int32
    var output: String
    var error: String
}

/// Runs the built program, which lies beside the tests, to its end.
private func fender(_ arguments: [String], environment: [String] = []) throws -> Outcome {
    var buffer = [CChar](repeating: 0, count: 4096)
    let length = try system("readlink") { readlink("/proc/self/exe", &buffer, buffer.count) }
    let tests = String(decoding: buffer[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self)
    let program = tests.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/fender"
    let output = try TemporaryFile("")
    let error = try TemporaryFile("")

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 1, output.path, O_WRONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 2, error.path, O_WRONLY, 0)
    var arguments: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
    var environment: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) } + [nil]
    defer { for text in arguments + environment { free(text) } }
    var process: pid_t = 0
    let code = posix_spawn(&process, program, &actions, nil, &arguments, &environment)
    if code != 0 { throw SystemError(call: "posix_spawn", object: program, code: code) }
    var status: CInt = 0
    try system("waitpid") { waitpid(process, &status, 0) }
    return Outcome(
        code: status & 0x7f == 0 ? status >> 8 & 0xff : -1, output: try Files.text(output.path),
        error: String(decoding: try Files.read(error.path), as: UTF8.self))
}

struct ProgramTests {
    @Test(arguments: [
        ["--log-level=loud"], ["serve", "--log-level=loud"], ["--no-such-flag"], ["--config=/nonexistent"],
        ["--container-runtime-endpoint", "tcp://0.0.0.0:1"], ["--cni-conf-dir=a\nb"],
    ]) func aWrongValueIsOneLineAndTwo(arguments: [String]) throws {
        let outcome = try fender(arguments)
        #expect(outcome.code == 2)
        #expect(outcome.output == "")
        #expect(outcome.error.hasPrefix("fender: --"))
        #expect(outcome.error.hasSuffix("\n"))
        #expect(outcome.error.filter { $0 == "\n" }.count == 1)
    }

    @Test func theEnvironmentIsRead() throws {
        let outcome = try fender([], environment: ["FENDER_LOG_FORMAT=xml"])
        #expect(outcome.code == 2)
        #expect(outcome.error == "fender: FENDER_LOG_FORMAT: \"xml\": not one of text, json\n")
    }

    @Test func anUnknownCommandIsTwo() throws {
        let outcome = try fender(["sail"])
        #expect(outcome.code == 2)
        #expect(outcome.error.contains("sail"))
    }

    @Test(arguments: [["--version"], ["serve", "--version"], ["--log-level", "debug", "--version=true"]])
    func versionAsCriDockerdPrintsIt(arguments: [String]) throws {
        let outcome = try fender(arguments)
        #expect(outcome.code == 0)
        #expect(outcome.output.hasPrefix("fender 0."))
        #expect(!outcome.output.contains("\n"))
    }

    @Test(arguments: [["version"], ["--buildinfo"]]) func buildInformation(arguments: [String]) throws {
        let outcome = try fender(arguments)
        #expect(outcome.code == 0)
        #expect(outcome.output.hasPrefix("Program: fender\nVersion: 0."))
    }

    @Test(arguments: [["--help"], ["-h"], ["help"], ["serve", "--help"], ["--log-level=debug", "--help"]])
    func helpIsPrinted(arguments: [String]) throws {
        let outcome = try fender(arguments)
        #expect(outcome.code == 0)
        #expect(outcome.output.contains("serve"))
        #expect(outcome.error == "")
    }

    @Test func optionsArePrinted() throws {
        #expect(try fender(["options", "--form=toml"]).output + "\n" == ConfigurationOption.sampleFile)
    }

    /// Foundation brings 40 MB of Unicode data; FoundationEssentials does not.
    @Test func foundationIsNotLinked() throws {
        // The dynamic linker lists what it would load, as ldd(1) shows it.
        let libraries = try fender([], environment: ["LD_TRACE_LOADED_OBJECTS=1"]).output
        #expect(libraries.contains("libc.so.6"))
        #expect(!libraries.contains("libFoundation.so"))
        #expect(!libraries.contains("lib_FoundationICU.so"))
    }
}
