import Linux
import Security
import Testing

@Suite("Capabilities and OOM scores")
struct CapabilitiesTests {
    @Test(
        "names take their full form",
        arguments: [
            (["NET_ADMIN"], ["CAP_NET_ADMIN"]), (["cap_net_admin", "NET_ADMIN"], ["CAP_NET_ADMIN"]),
            (["all"], ["ALL"]), (["ALL", "chown"], ["ALL", "CAP_CHOWN"]),
            (["CHECKPOINT_RESTORE", "BPF"], ["CAP_CHECKPOINT_RESTORE", "CAP_BPF"]), ([], []),
        ])
    func normalised(asked: [String], names: [String]) throws {
        #expect(try Capabilities.normalise(asked) == names)
    }

    @Test(
        "unknown names are refused", arguments: ["", "CAP_", "CAP_CAP_CHOWN", "SYS_ADMIN\n", "ROOT", "CHOWN,KILL", " "])
    func unknown(name: String) {
        #expect(throws: SecurityError.self) { try Capabilities.normalise([name]) }
    }

    @Test("numbers are the kernel's")
    func numbers() throws {
        #expect(Capabilities.names.firstIndex(of: "CAP_SYS_ADMIN") == 21)
        #expect(Capabilities.names.firstIndex(of: "CAP_SYS_RESOURCE") == 24)
        #expect(Capabilities.names.firstIndex(of: "CAP_CHECKPOINT_RESTORE") == 40)
        let last = try #require(Int(try Files.text("/proc/sys/kernel/cap_last_cap")))
        #expect(try Capabilities.ofKernel().count == min(last, 40) + 1)
    }

    @Test("a process's set is what its status says")
    func effective() throws {
        let set = try CapabilitySet.effective()
        let text = try #require(ProcessStatus(text: try Files.text("/proc/self/status"))["CapEff"])
        #expect(String(set.bits, radix: 16) == String(text.drop { $0 == "0" }))
        #expect(CapabilitySet(bits: 1 << 24).contains("CAP_SYS_RESOURCE"))
        #expect(!CapabilitySet(bits: ~(1 << 24)).contains("CAP_SYS_RESOURCE"))
        #expect(!CapabilitySet(bits: .max).contains("CAP_NONSENSE"))
        #expect(throws: (any Error).self) { try CapabilitySet.effective(of: -5) }
    }

    @Test("the clamp is where the kernel refuses")
    func clamp() throws {
        let present = try #require(Int(try Files.text("/proc/self/oom_score_adj")))
        #expect(OOMScore.clamp(5_000) == (1_000, true))
        #expect(OOMScore.clamp(1_000) == (1_000, false))
        let (value, clamped) = OOMScore.clamp(-998)
        // The same value may always be written again, so the test leaves the process as it was.
        let isRefused = (try? Files.poke("/proc/self/oom_score_adj", "-998")) == nil
        try Files.poke("/proc/self/oom_score_adj", "\(present)")
        #expect(clamped == isRefused || present <= -998)
        #expect(value == (isRefused ? max(present, -998) : -998))
    }

    @Test("a daemon that is gone counts as able to do what we can")
    func absentDaemon() {
        #expect(OOMScore.floor(of: 0x7fff_fffe) == OOMScore.floor())
    }

    @Test("the side channel is masked, and nothing twice")
    func paths() {
        #expect(KernelPaths.masked.contains("/sys/devices/virtual/powercap"))
        #expect(Set(KernelPaths.masked + KernelPaths.readOnly).count == KernelPaths.masked.count + 5)
    }
}
