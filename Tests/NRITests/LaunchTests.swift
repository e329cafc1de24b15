import Glibc
import Linux
import Synchronization
import TestScratch
import Testing

@testable import NRI

@Suite struct LaunchTests {
    private func install(_ name: String, in directory: String, _ text: String, mode: UInt32 = 0o755) throws {
        try Files.makeDirectories(directory)
        try Files.replace("\(directory)/\(name)", with: Array(text.utf8), mode: mode)
    }

    @Test func programsAreFoundByTheirNamesInOrder() throws {
        let scratch = try Scratch()
        let (plugins, configurations) = ("\(scratch.path)/plugins", "\(scratch.path)/conf")
        for name in ["20-b", "10-a", "no-index", "30-c"] { try install(name, in: plugins, "#!/bin/sh\n") }
        try install("40-notes", in: plugins, "", mode: 0o644)
        try Files.makeDirectories("\(plugins)/50-directory")
        try install("10-a.conf", in: configurations, "one")
        try install("a.conf", in: configurations, "two")
        try install("b.conf", in: configurations, "three")
        var settings = NRISettings()
        (settings.pluginDirectory, settings.configurationDirectory) = (plugins, configurations)
        let interface = NodeResourceInterface(settings: settings, runtime: FakeRuntime(), logger: quiet)
        let found = interface.discover()
        #expect(found.map(\.name.full) == ["10-a", "20-b", "30-c"])
        #expect(found.map(\.configuration) == ["one", "three", ""])
    }

    @Test(arguments: ["exit 3", "exec sleep 1000", "echo nonsense >&3; exec cat <&3"])
    func aProgramThatIsNoPluginHarmsNobody(_ script: String) async throws {
        let scratch = try Scratch()
        let text = "#!/bin/sh\ncd \(scratch.path)\necho $$ > new\nmv new pid\n\(script)\n"
        try install("10-a", in: "\(scratch.path)/plugins", text)
        var settings = NRISettings()
        settings.pluginDirectory = "\(scratch.path)/plugins"
        settings.registrationLimit = .milliseconds(300)
        try await withInterface(settings) { interface, _, _ in
            try await interface.tell(.runPodSandbox, pod)
            while !Files.exists("\(scratch.path)/pid") { try await Task.sleep(for: .milliseconds(2)) }
            let text = try Files.text("\(scratch.path)/pid")
            let pid = try #require(pid_t(text.filter(\.isNumber)))
            // It is killed when it has not registered in time, and reaped.
            while kill(pid, 0) == 0 { try await Task.sleep(for: .milliseconds(5)) }
            #expect(interface.pluginCount == 0)
        }
    }
}
