import Glibc
import Linux
import OCI
import TestScratch
import Testing

@testable import Executor

@Suite struct SystemdUnitTests {
    @Test(arguments: [
        ("system.slice:docker:abc", "docker-abc.scope", "/system.slice/docker-abc.scope"),
        (":cri:abc", "cri-abc.scope", "/system.slice/cri-abc.scope"),
        (
            "kubepods-burstable-pod1_2.slice:cri:x", "cri-x.scope",
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/cri-x.scope"
        ),
        ("-.slice::x", "x.scope", "/x.scope"),
    ])
    func `a unit is named as runc names it`(path: String, name: String, cgroup: String) throws {
        let unit = try #require(try SystemdUnit(path, id: "i"))
        #expect(unit.name == name)
        #expect(unit.cgroup == cgroup)
    }

    @Test(arguments: [
        "a:b", "a.slice:b:", "a:b:c", "a.slice:b:c:d", "/a.slice:b:c", "-a.slice:b:c", "a-.slice:b:c", "a--b.slice:b:c",
        "a.slice:../b:c",
    ])
    func `what is no unit is refused`(path: String) {
        #expect(throws: SpecError.self) { try SystemdUnit(path, id: "i") }
    }

    @Test(arguments: [("/a/b", true), ("a.slice:b:c", false)])
    func `the form of the path must be what the caller says`(path: String, systemd: Bool) {
        #expect(throws: SpecError.self) { try SystemdUnit.wanted(path, id: "i", systemd: systemd) }
    }

    @Test(arguments: [
        (Int64(50000), UInt64(100_000), UInt64(500_000)), (50000, 0, 500_000), (1500, 1_000_000, 10_000),
        (-1, 100_000, .max), (.max, 1, .max),
    ])
    func `quotas are a second's`(quota: Int64, period: UInt64, expected: UInt64) {
        #expect(SystemdUnit.perSecond(quota, period: period) == expected)
    }

    @Test func `limits have their names in either version`() throws {
        let text = """
            {"memory":{"limit":100,"swap":150,"reservation":50},"cpu":{"shares":1024,"quota":5000,"period":10000,
            "cpus":"0-1,9"},"pids":{"limit":-1}}
            """
        let resources = try Resources(parsing: Array(text.utf8))
        let unified = SystemdUnit.properties(resources, isUnified: true)
        #expect(
            unified.map(\.name) == [
                "MemoryMax", "MemoryLow", "MemorySwapMax", "CPUWeight", "CPUQuotaPeriodUSec", "CPUQuotaPerSecUSec",
                "TasksMax", "AllowedCPUs",
            ])
        #expect(
            unified.map(\.value) == [
                .uint64(100), .uint64(50), .uint64(50), .uint64(39), .uint64(10000), .uint64(500_000), .uint64(.max),
                .bytes([3, 2]),
            ])
        #expect(
            SystemdUnit.properties(resources, isUnified: false).map(\.name) == [
                "MemoryLimit", "CPUShares", "CPUQuotaPeriodUSec", "CPUQuotaPerSecUSec", "TasksMax",
            ])
    }

    @Test func `a message is what the specification says`() throws {
        let call = DBusMessage.call(
            7, destination: "a.b", path: "/c", interface: "a.b.C", member: "Do",
            [.string("x"), .bool(true), .properties([("P", .uint32s([1, 2])), ("Q", .uint64(3))])])
        // The same as sd-bus writes, but for the order of the header's fields.
        #expect(DBusMessage.length(call[..<16]) == call.count)
        #expect(Array(call[..<8]) == [108, 1, 0, 1, 64, 0, 0, 0])
        let body = Array(call.suffix(64))
        #expect(Array(body[..<12]) == [1, 0, 0, 0, 120, 0, 0, 0, 1, 0, 0, 0])
        #expect(Array(body[12..<24]) == [48, 0, 0, 0, 1, 0, 0, 0, 80, 0, 2, 97])
        let read = try #require(DBusMessage(call))
        #expect(read.kind == .call && read.member == "Do" && read.texts == ["x"])
    }

    @Test func `no bytes make the reader fail otherwise than by nothing`() {
        let call = DBusMessage.call(
            1, destination: "a.b", path: "/c", interface: "a.b.C", member: "Do", [.string("x"), .path("/y")])
        for count in 0..<call.count { #expect(DBusMessage(Array(call[..<count])) == nil) }
        for index in call.indices {
            for value: UInt8 in [0, 1, 0x7f, 0xff] {
                var changed = call
                changed[index] = value
                _ = DBusMessage(changed)
                _ = DBusMessage.length(changed[..<16])
            }
        }
    }
}

/// A real systemd, which `make test-uml` starts, with cgroup v2 and v1.
@Suite(.enabled(if: Machine.hasSystemd), .serialized) struct SystemdTests {
    private func show(_ unit: String, _ property: String) throws -> String {
        let scratch = try Scratch()
        let script = "systemctl show --value --property \(property) \(unit) > \(scratch("o"))"
        Child.reap(try Child.spawn(script))
        return try Files.text(scratch("o"))
    }

    private let isUnified = !((try? MountTable.read()) ?? []).contains { $0.type == "cgroup" }

    private func bundle(_ limits: String, script: String = "exec sleep 1000") throws -> Bundle {
        try Bundle(script, linux: #","resources":{\#(limits)}"#, cgroup: "fender-test.slice:cri:ID")
    }

    private func remains(_ bundle: Bundle) throws -> Bool {
        let exists = try MountTable.read().contains { mount in
            mount.type.hasPrefix("cgroup")
                && Files.exists("\(mount.point)/fender.slice/fender-test.slice/cri-\(bundle.id).scope")
        }
        return try exists || show("cri-\(bundle.id).scope", "ActiveState") != "inactive"
    }

    @Test func `a container is a scope of its slice until it is deleted`() throws {
        let limits =
            #""memory":{"limit":67108864},"cpu":{"shares":512,"quota":20000,"period":50000},"pids":{"limit":44}"#
        let bundle = try bundle(limits)
        let container = try bundle.supervise()
        defer { _ = try? container.delete(force: true) }
        _ = try container.start()
        let unit = "cri-\(bundle.id).scope"
        #expect(try show(unit, "ActiveState") == "active")
        #expect(try show(unit, "Delegate") == "yes")
        #expect(try show(unit, "Slice") == "fender-test.slice")
        #expect(try show(unit, "ControlGroup") == "/fender.slice/fender-test.slice/\(unit)")
        #expect(try show(unit, "TasksMax") == "44")
        #expect(try show(unit, isUnified ? "MemoryMax" : "MemoryLimit") == "67108864")
        #expect(try show(unit, isUnified ? "CPUWeight" : "CPUShares") == (isUnified ? "20" : "512"))
        #expect(try container.processes() == [container.pid])
        try container.update(Resources(parsing: Array(#"{"memory":{"limit":33554432},"pids":{"limit":55}}"#.utf8)))
        // What systemd knows it sets again: it must know all.
        Child.reap(try Child.spawn("systemctl daemon-reload"))
        let points = try MountTable.read().filter { $0.type.hasPrefix("cgroup") }.map(\.point)
        func value(_ names: [String]) throws -> [String] {
            try points.flatMap { point in names.map { "\(point)/fender.slice/fender-test.slice/\(unit)/\($0)" } }
                .filter(Files.exists).map { try Files.text($0) }
        }
        #expect(try value(["memory.max", "memory.limit_in_bytes"]) == ["33554432"])
        #expect(try value(["pids.max"]) == ["55"])
        var process = try container.process()
        process.arguments = ["cat", "/proc/self/cgroup"]
        let collected = try container.exec(process, Container.SessionOptions()).collect(limit: 4000)
        #expect(collected.code == 0)
        #expect(String(decoding: collected.stdout, as: UTF8.self).contains("/fender-test.slice/\(unit)"))
        _ = try container.delete(force: true)
        #expect(try !remains(bundle))
    }

    @Test func `the only process that may be is the container's own`() throws {
        let bundle = try bundle(#""pids":{"limit":1}"#, script: "sleep 0; echo after")
        let (container, record) = try bundle.superviseToEnd()
        #expect(record.code != 0)
        _ = try container.delete(force: true)
        #expect(try !remains(bundle))
    }

    @Test func `a container that cannot be made leaves no unit`() throws {
        let bundle = try bundle(#""unified":{"no.such":"1"},"hugepageLimits":[{"pageSize":"3MB","limit":1}]"#)
        #expect(throws: (any Error).self) { try bundle.create() }
        #expect(try !remains(bundle))
    }

    @Test func `a unit that ended by itself is no error at delete`() throws {
        let bundle = try bundle("", script: "exit 3")
        let (container, record) = try bundle.superviseToEnd()
        #expect(record.code == 3)
        while try show("cri-\(bundle.id).scope", "ActiveState") == "active" { usleep(10_000) }
        _ = try container.delete(force: false)
        #expect(try !remains(bundle))
    }
}
