import Security
import Testing

@Suite("Sysctls")
struct SysctlsTests {
    @Test(
        "namespaced names pass in dot form",
        arguments: [
            ("net.ipv4.ip_forward", "net.ipv4.ip_forward"), ("net/ipv4/ip_forward", "net.ipv4.ip_forward"),
            ("net/ipv4/conf/eth0.100/rp_filter", "net.ipv4.conf.eth0/100.rp_filter"),
            ("net.ipv4.conf.eth0/100.rp_filter", "net.ipv4.conf.eth0/100.rp_filter"),
            ("kernel.shmmax", "kernel.shmmax"), ("kernel/sem", "kernel.sem"),
            ("fs.mqueue.msg_max", "fs.mqueue.msg_max"),
        ])
    func accepted(given: String, name: String) throws {
        let result = try Sysctls.validate([given: "1"], hostNetwork: false, hostIPC: false)
        #expect(result == [name: "1"])
    }

    @Test(
        "what is not namespaced, or no name, is refused",
        arguments: [
            "kernel.core_pattern", "kernel.hostname", "vm.swappiness", "fs.file-max", "net", "net.", ".net.x",
            "net..ipv4", "net/../kernel/core_pattern", "net.../kernel", "net.ipv4/../x", "fs.mqueue.",
            "kernel.shmmax.x", "net.ipv4\n.x", "net.ipv4 .x", "", "kernel/../kernel/shmmax", "net./x", "net.x/",
        ])
    func refused(name: String) {
        #expect(throws: SecurityError.self) {
            try Sysctls.validate([name: "1"], hostNetwork: false, hostIPC: false)
        }
    }

    @Test(
        "a host namespace's sysctls are refused",
        arguments: [
            ("net.core.somaxconn", true, false), ("kernel.shmmax", false, true), ("fs.mqueue.msg_max", false, true),
        ])
    func hostNamespaces(name: String, network: Bool, ipc: Bool) throws {
        #expect(throws: SecurityError.self) {
            try Sysctls.validate([name: "1"], hostNetwork: network, hostIPC: ipc)
        }
        _ = try Sysctls.validate([name: "1"], hostNetwork: !network, hostIPC: !ipc)
    }

    @Test("values are one printable line", arguments: ["", "1\n2", "\u{0}", "é", String(repeating: "1", count: 5_000)])
    func values(value: String) {
        #expect(throws: SecurityError.self) {
            try Sysctls.validate(["net.core.somaxconn": value], hostNetwork: false, hostIPC: false)
        }
    }

    @Test("ranges and CRI-O's plus sign are values like others", arguments: ["1024\t65000", "1024 65000", "1+2"])
    func plainValues(value: String) throws {
        _ = try Sysctls.validate(["net.ipv4.ip_local_port_range": value], hostNetwork: false, hostIPC: false)
    }

    @Test("one sysctl under two names is refused")
    func twice() {
        #expect(throws: SecurityError.self) {
            try Sysctls.validate(
                ["net.core.somaxconn": "1", "net/core/somaxconn": "2"], hostNetwork: false, hostIPC: false)
        }
    }
}
