import CRI
import DockerEngine
import Linux
import Runtime
import SwiftProtobuf
import TestScratch
import Testing

@testable import DockerRuntime

struct StateFilesTests {
    @Test func aSandboxThatACrashLeftHalfDoneIsKnown() throws {
        let scratch = try Scratch()
        let before = try StartingSandboxes(root: scratch.path)
        try before.begin("k8s_POD_a_b_c_0")
        #expect(before.isActive("k8s_POD_a_b_c_0") && !before.isAbandoned("k8s_POD_a_b_c_0"))
        let after = try StartingSandboxes(root: scratch.path)
        #expect(after.isAbandoned("k8s_POD_a_b_c_0") && !after.isActive("k8s_POD_a_b_c_0"))
        after.sweep(existing: ["k8s_POD_a_b_c_0"])
        #expect(after.isAbandoned("k8s_POD_a_b_c_0"))
        after.sweep(existing: [])
        #expect(!(try StartingSandboxes(root: scratch.path)).isAbandoned("k8s_POD_a_b_c_0"))
    }

    @Test func aSandboxThatCouldNotBeUndoneIsKnown() throws {
        let scratch = try Scratch()
        let starting = try StartingSandboxes(root: scratch.path)
        try starting.begin("k8s_POD_a_b_c_0")
        starting.abandon("k8s_POD_a_b_c_0")
        #expect(!starting.isActive("k8s_POD_a_b_c_0") && starting.isAbandoned("k8s_POD_a_b_c_0"))
        #expect(try StartingSandboxes(root: scratch.path).isAbandoned("k8s_POD_a_b_c_0"))
        try starting.end("k8s_POD_a_b_c_0")
        #expect(!starting.isAbandoned("k8s_POD_a_b_c_0"))
    }

    @Test func checkpointsThatCannotBeReadAreAbsent() throws {
        let scratch = try Scratch()
        let store = CheckpointStore(root: scratch.path)
        var config = PodSandboxConfig()
        config.metadata.name = "p"
        let mapping = CRI.PortMapping.with {
            $0.containerPort = 80
            $0.hostPort = 8080
        }
        config.portMappings = [mapping]
        let (good, bad) = (String(repeating: "a", count: 64), String(repeating: "b", count: 64))
        try store.write(Checkpoint(config), for: good)
        #expect(store.read(good) == Checkpoint(config))
        #expect(store.ids() == [good])
        try Files.replace("\(scratch.path)/sandbox/\(bad)", with: Array("{".utf8))
        #expect(store.read(bad) == nil)
        #expect(store.read("none") == nil)
        try store.remove(good)
        #expect(store.ids() == [bad])
    }

    @Test func lateLimitsSurviveTheirLabel() throws {
        var resources = LinuxContainerResources()
        resources.unified = ["memory.high": "1000"]
        resources.cpuShares = 5
        let limits = LateLimits(resources)
        #expect(limits.resources.cpuShares == 0)
        #expect(LateLimits(label: limits.encoded) == limits)
        #expect(LateLimits(LinuxContainerResources()).encoded == nil)
        #expect(LateLimits(label: "%%%") == nil)
    }
}

struct RegistryCredentialsTests {
    @Test func everyFormIsUnderstood() throws {
        #expect(try RegistryCredentials(from: AuthConfig()) == nil)
        let basic = try RegistryCredentials(from: .with { $0.auth = "dXNlcjpwYTpzcw==" })
        #expect(basic?.docker.username == "user" && basic?.docker.password == "pa:ss")
        let pair = try RegistryCredentials(
            from: .with {
                $0.username = "u"
                $0.password = "p"
            })
        #expect(pair?.docker.username == "u" && pair?.docker.password == "p")
        #expect(try RegistryCredentials(from: .with { $0.identityToken = "t" })?.docker.identitytoken == "t")
        #expect(try RegistryCredentials(from: .with { $0.registryToken = "t" })?.docker.registrytoken == "t")
    }

    @Test(arguments: ["%", "dXNlcg=="])
    func brokenOnesAreRefused(auth: String) {
        #expect(throws: RuntimeError.self) { try RegistryCredentials(from: .with { $0.auth = auth }) }
    }
}
