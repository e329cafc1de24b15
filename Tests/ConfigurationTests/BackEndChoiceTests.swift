import Glibc
import Linux
import Testing

@testable import Configuration

struct BackEndChoiceTests {
    private let directory: String

    init() throws {
        var path = Array("/tmp/fender-choice-XXXXXX".utf8CString)
        try #require(mkdtemp(&path) != nil)
        directory = path.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    /// Settings of a machine whose default Docker socket is below the test's directory.
    private func choice(_ flags: [String] = []) throws -> BackEndChoice {
        let loaded = try load(flags + ["--root-directory=\(directory)", "--adopt-root-directories=\(directory)/old"])
        let isDockerNamed = loaded.origins["docker-endpoint"] != nil
        var values = loaded.values
        if !isDockerNamed { values.dockerEndpoint = .unix("\(directory)/docker.sock") }
        return values.backEnd(isDockerNamed: isDockerNamed)
    }

    @Test(arguments: [
        ("--runtime=docker", BackEndChoice.docker), ("--runtime=native", .native), ("--runtime=auto", .native),
        ("--docker-endpoint=/nonexistent/docker.sock", .docker), ("--docker-endpoint=tcp://docker.example", .docker),
    ])
    func settingsDecide(flag: String, expected: BackEndChoice) throws {
        #expect(try choice([flag]) == expected)
    }

    @Test(arguments: ["", "/old"])
    func aNodeWithPodsOnDockerKeepsIt(root: String) throws {
        try Files.makeDirectories("\(directory)\(root)/sandbox")
        #expect(try choice() == .native)
        try Files.replace("\(directory)\(root)/sandbox/pod", with: [])
        #expect(try choice() == .docker)
        #expect(try choice(["--runtime=native"]) == .native)
    }

    @Test func whoeverAnswersIsTaken() throws {
        let listener = Descriptor(owning: socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: "\(directory)/docker.sock".utf8) }
        let raw = listener.raw
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(raw, $0, size) }
        }
        try #require(bound == 0)
        // A socket that nobody listens on is none.
        #expect(try choice() == .native)
        try #require(listen(raw, 1) == 0)
        #expect(try choice() == .docker)
    }
}
