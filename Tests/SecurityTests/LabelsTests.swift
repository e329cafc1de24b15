import Security
import TestScratch
import Testing

@Suite("AppArmor and SELinux")
struct LabelsTests {
    @Test("a profile is found by its exact name")
    func profiles() throws {
        let list = "docker-default (enforce)\n/usr/bin/man (complain)\nwith space (x) (kill)\n"
        let scratch = try Scratch()
        defer { withExtendedLifetime(scratch) {} }
        let kernel = try kernel(scratch, enabled: "Y\n", profiles: list)
        #expect(kernel.isEnabled)
        for name in ["docker-default", "/usr/bin/man", "with space (x)"] { #expect(try kernel.isLoaded(name)) }
        for name in ["docker", "docker-default (enforce)", "", "with space"] {
            #expect(try kernel.isLoaded(name) == false)
        }
        #expect(try kernel.dockerOption(for: .localhost("docker-default")) == "apparmor=docker-default")
        #expect(throws: SecurityError.self) { try kernel.dockerOption(for: .localhost("absent")) }
        #expect(try kernel.dockerOption(for: .unconfined) == "apparmor=unconfined")
        #expect(try kernel.dockerOption(for: .runtimeDefault) == nil)
    }

    @Test("without AppArmor only a named profile is an error")
    func disabled() throws {
        let scratch = try Scratch()
        defer { withExtendedLifetime(scratch) {} }
        let kernel = try kernel(scratch, enabled: "N\n", profiles: "")
        #expect(!kernel.isEnabled)
        #expect(throws: SecurityError.self) { try kernel.dockerOption(for: .localhost("docker-default")) }
        #expect(try kernel.dockerOption(for: .unconfined) == nil)
        #expect(try kernel.dockerOption(for: .runtimeDefault) == nil)
        #expect(!AppArmor(parameter: "/absent", profiles: "/absent").isEnabled)
        #expect(throws: SecurityError.self) { try AppArmor(parameter: "/absent", profiles: "/absent").isLoaded("x") }
    }

    @Test("SELinux parts become Docker's options")
    func selinux() throws {
        let label = SELinuxLabel(user: "system_u", role: "object_r", type: "svirt_lxc_net_t", level: "s0:c1,c2")
        #expect(
            try label.dockerOptions() == [
                "label=user:system_u", "label=role:object_r", "label=type:svirt_lxc_net_t", "label=level:s0:c1,c2",
            ])
        #expect(try SELinuxLabel().dockerOptions() == [])
        #expect(try SELinuxLabel(level: "s0-s15:c0.c1023").dockerOptions() == ["label=level:s0-s15:c0.c1023"])
    }

    @Test(
        "characters that no label has are refused",
        arguments: [
            SELinuxLabel(type: "a\nb"), SELinuxLabel(user: "a b"), SELinuxLabel(type: "a:b"), SELinuxLabel(role: "a,b"),
            SELinuxLabel(level: "s0;rm"), SELinuxLabel(level: "é"),
        ])
    func hostileLabels(label: SELinuxLabel) {
        #expect(throws: SecurityError.self) { try label.dockerOptions() }
    }

    /// A kernel that says this; the directory must outlive its use.
    private func kernel(_ scratch: Scratch, enabled: String, profiles: String) throws -> AppArmor {
        AppArmor(
            parameter: try scratch.write("enabled", enabled), profiles: try scratch.write("profiles", profiles))
    }
}
