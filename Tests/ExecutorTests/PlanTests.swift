import CExecutor
import Testing

@testable import Executor

@Suite struct PlanTests {
    private func plan() throws -> Plan {
        var writer = PlanWriter()
        writer.step(FENDER_HOSTNAME, [], ["name"])
        writer.step(FENDER_EXEC, [2], ["a", "", "K=V"])
        writer.step(FENDER_SECCOMP, [1, 2, 3, 4, 5, 6], blob: [0, 1, 0])
        return try writer.finish()
    }

    private func isValid(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { fender_plan_is_valid($0.baseAddress, $0.count) != 0 }
    }

    @Test func `the monitor reads what is written`() throws {
        let plan = try plan()
        #expect(isValid(plan.bytes))
        plan.bytes.withUnsafeBytes { bytes in
            let first = fender_plan_next(bytes.baseAddress, nil)
            #expect(first?.pointee.code == UInt16(FENDER_HOSTNAME.rawValue))
            #expect(fender_step_string(first, 0, nil).map { String(cString: $0) } == "name")
            let second = fender_plan_next(bytes.baseAddress, first)
            #expect(
                (0..<3).map { fender_step_string(second, $0, nil).map { String(cString: $0) } } == ["a", "", "K=V"])
            #expect(fender_step_string(second, 3, nil) == nil)
            let third = fender_plan_next(bytes.baseAddress, second)
            var length: UInt32 = 0
            #expect(fender_step_string(third, 0, &length) != nil)
            #expect(length == 3)
            #expect(third?.pointee.number.5 == 6)
            #expect(fender_plan_next(bytes.baseAddress, third) == nil)
        }
    }

    @Test func `a plan cut short is refused`() throws {
        let bytes = try plan().bytes
        for length in 0..<bytes.count { #expect(!isValid(Array(bytes[..<length]))) }
    }

    @Test func `no changed byte makes the reader leave the plan`() throws {
        // Each plan in a buffer of just its size: a reader that left it would be seen by the sanitizer.
        let bytes = try plan().bytes
        for index in bytes.indices {
            for change in [1, 0x80, 0xff] as [UInt8] {
                var changed = bytes
                changed[index] ^= change
                guard isValid(changed) else { continue }
                changed.withUnsafeBytes { buffer in
                    var step = fender_plan_next(buffer.baseAddress, nil)
                    while let current = step {
                        for string in 0..<current.pointee.strings {
                            var length: UInt32 = 0
                            let start = fender_step_string(current, string, &length)
                            #expect(start?[Int(length)] == 0)
                        }
                        step = fender_plan_next(buffer.baseAddress, current)
                    }
                }
            }
        }
    }
}

@Suite struct MountOptionTests {
    @Test(arguments: [
        (["ro", "nosuid"], 0x3, 0), (["ro", "rw"], 0, 0x1), (["rw", "ro"], 0x1, 0),
        (["noexec", "exec", "nodev"], 0x4, 0x8),
        (["noatime"], 0x10, 0x60), (["noatime", "relatime"], 0, 0x70), (["strictatime"], 0x20, 0x50),
    ])
    func `the last of two opposites counts`(options: [String], set: UInt64, clear: UInt64) {
        let parsed = MountOptions(options)
        #expect(parsed.set == set)
        #expect(parsed.clear & clear == clear)
    }

    @Test func `recursive options, propagation and data are told apart`() {
        let parsed = MountOptions(["rbind", "rro", "rshared", "idmap", "size=1m", "defaults", "newinstance"])
        #expect(parsed.isBind && parsed.isRecursive)
        #expect(parsed.recursiveSet == 1)
        #expect(parsed.propagation == 1 << 20 | 0x4000)
        #expect(parsed.idmap == .this)
        #expect(parsed.data == ["size=1m"])
    }
}
