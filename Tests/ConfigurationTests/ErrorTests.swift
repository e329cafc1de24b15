import TOML
import Testing

@testable import Configuration

struct ErrorTests {
    @Test(arguments: [
        (
            ["--log-level", "loud"],
            #"--log-level: "loud": not one of trace, debug, info, notice, warning, error, critical"#
        ),
        (
            ["--network-plugin=kubenet"],
            #"--network-plugin: "kubenet": kubenet is gone; use cni with the bridge plugin and host-local addresses"#
        ),
        (
            ["--network-plugin=calico"],
            #"--network-plugin: "calico": not one of cni, builtin, none; a network by name is chosen in cni-conf-dir"#
        ),
        (["--cri-dockerd-root-directory=var"], #"--cri-dockerd-root-directory: "var": not an absolute path"#),
        (["--networkplugin="], "--networkplugin: no such flag; did you mean --network-plugin?"),
        (["--docker_endpoint=/x"], "--docker_endpoint: no such flag; did you mean --docker-endpoint?"),
        (["--v=10"], "--v: no such flag; see --help"),
        (["--logtostderr"], "--logtostderr: no such flag; see --help"),
        (["--docker-endpoint"], "--docker-endpoint: needs a value: --docker-endpoint=ENDPOINT"),
        (["-log-level=info"], "-log-level=info: flags take two dashes: --log-level=info"),
        (["-x"], #""-x": not a flag; see --help"#),
        (["serve"], #""serve": not a flag; see --help"#),
        (["--"], #""--": not a flag; see --help"#),
        ([""], #""": not a flag; see --help"#),
        (["--ipv6-dual-stack=maybe"], #"--ipv6-dual-stack: "maybe": neither true nor false"#),
        (["--ipv6-dual-stack", "false"], #""false": not a flag; see --help"#),
        (["--version=maybe"], #"--version: "maybe": neither true nor false"#),
        (["--config=/nonexistent"], "--config: open /nonexistent: No such file or directory"),
        (["--config=/tmp"], "--config: read /tmp: Is a directory"),
        (["--docker-tls-ca=/ca.pem"], "--docker-tls-ca: docker-endpoint is a Unix socket, which has no TLS"),
        (["--docker-endpoint=tcp://d", "--docker-tls-cert=/c"], "--docker-tls-cert: needs docker-tls-key beside it"),
        (["--docker-endpoint=tcp://d", "--docker-tls-key=/k"], "--docker-tls-key: needs docker-tls-cert beside it"),
        (["--streaming-tls-cert=/c"], "--streaming-tls-cert: needs streaming-tls-key beside it"),
        (["--streaming-tls-client-ca=/c"], "--streaming-tls-client-ca: needs streaming-tls-cert beside it"),
        (["--cni-conf-dir=a\nb\u{1b}[2J"], #"--cni-conf-dir: "a\nb\u{1B}[2J": not an absolute path"#),
    ]) func flags(arguments: [String], message: String) throws {
        #expect(try failure(arguments) == message)
    }

    @Test(arguments: [
        ("a = 1\nlog_level = 'info'", "FILE:1: a: no such setting"),
        ("\n\ndocker_endpiont = '/x'", "FILE:3: docker_endpiont: no such setting; did you mean docker_endpoint?"),
        ("docker-endpoint = '/x'", "FILE:1: docker-endpoint: no such setting; did you mean docker_endpoint?"),
        ("config = '/x'", "FILE:1: config: no such setting"),
        ("log_level = 'info'\n[docker]\nendpoint = '/x'", "FILE:2: a table: settings stand at the top level only"),
        ("docker.endpoint = '/x'", "FILE:1: docker.endpoint: no such setting; did you mean docker_endpoint?"),
        ("log_level =", "FILE:1: a value is missing"),
        ("log_level = debug", #"FILE:1: "debug" is no value; a string wants quotes"#),
        ("log_level", "FILE:1: log_level: a key wants = and a value behind it"),
        ("log_level = 'info' x", #"FILE:1: more behind the value: "x""#),
        ("log_level = 'info'\nlog_level = 'info'", "FILE:2: log_level: stands here a second time"),
        (
            "log_level = 'loud'",
            #"FILE:1: log_level: "loud": not one of trace, debug, info, notice, warning, error, critical"#
        ),
        ("log_level = 3", "FILE:1: log_level: is not a string in quotes"),
        ("ipv6_dual_stack = 'true'", "FILE:1: ipv6_dual_stack: is not true or false"),
        ("runtime_request_timeout = 120", "FILE:1: runtime_request_timeout: is not a string in quotes"),
        ("docker_log_max_file = 1.5", "FILE:1: docker_log_max_file: is not a whole number"),
        ("docker_log_max_file = 1", #"FILE:1: docker_log_max_file: "1": not a number from 2 to 1000"#),
        ("socket_mode = 0o660", "FILE:1: socket_mode: is not a string in quotes"),
        ("cni_bin_dir = ['/a', 3]", "FILE:1: cni_bin_dir: an element is not a string without a comma"),
        ("cni_bin_dir = ['/a,/b']", "FILE:1: cni_bin_dir: an element is not a string without a comma"),
        ("cni_bin_dir = true", "FILE:1: cni_bin_dir: is not a string in quotes or an array of strings"),
        ("cni_conf_dir = \"\"\"\n\nx\"\"\"", #"FILE:1: cni_conf_dir: "\nx": not an absolute path"#),
    ]) func file(text: String, message: String) throws {
        #expect(try failure(file: text) == message)
    }

    @Test(arguments: ["\u{0}", "=", "[", "\"", "a = \"\\u{d800}\"", String(repeating: "[", count: 100_000)])
    func garbageInTheFile(text: String) throws {
        let told = try #require(try failure(file: text))
        #expect(told.hasPrefix("FILE:1: "))
        #expect(!told.contains("\n"))
    }

    @Test func bytesThatAreNoText() throws {
        let telling = Array("ab=\"'\n\r.[]{}#1 \\uU,\u{e9}-".utf8)
        for _ in 0..<20000 {
            let bytes = (0..<Int.random(in: 0...40)).map { _ in
                Bool.random() ? UInt8.random(in: 0...255) : telling.randomElement() ?? 0
            }
            // Either outcome is right; a crash is not.
            _ = try? TOMLEntry.parse(bytes, path: "x")
        }
    }

    @Test func environment() throws {
        #expect(
            try failure([], ["FENDER_SOCKET_MODE": "rw"])
                == #"FENDER_SOCKET_MODE: "rw": not permission bits in octal, such as 0660"#)
        #expect(
            try failure([], ["FENDER_CONFIG": "/nonexistent"])
                == "FENDER_CONFIG: open /nonexistent: No such file or directory")
    }

    @Test func aWrongValueIsToldThoughAnotherOverridesIt() throws {
        let told = try failure(["--log-level=info"], file: "log_level = 'loud'")
        #expect(try #require(told).hasPrefix("FILE:1: log_level"))
    }

    @Test func aFileThatCannotBeReadAtTheDefaultPathIsAnError() throws {
        #expect(throws: ConfigurationError.self) {
            try LoadedConfiguration(flags: CommandLineFlags([]), defaultFile: "/tmp")
        }
    }

    @Test func warnings() throws {
        let kubernetes = ["FENDER_SERVICE_HOST": "10.0.0.1", "FENDER_PORT_443_TCP": "tcp://10.0.0.1:443"]
        #expect(try load([], kubernetes).warnings == [])
        #expect(
            try load([], ["FENDER_DOKER_ENDPOINT": "x"]).warnings
                == ["FENDER_DOKER_ENDPOINT is no setting; did you mean FENDER_DOCKER_ENDPOINT?"])
        #expect(try load(["--hairpin-mode=none", "--network-plugin-mtu=0"]).warnings == [])
        let ignored = try load(["--hairpin-mode=hairpin-veth", "--network-plugin-mtu=1", "--runtime-cgroups=/x"])
        #expect(ignored.warnings.count == 3)
        #expect(ignored.warnings.allSatisfy { $0.contains(" has no effect: ") })
    }
}
