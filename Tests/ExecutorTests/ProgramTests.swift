import Glibc
import Linux
import TestScratch
import Testing

@testable import Executor

/// What enters a container can't be written to from there (CVE-2019-5736).
@Suite(.enabled(if: Machine.canRun)) struct ProgramTests {
    @Test(arguments: [false, true])
    func `the monitor's program cannot be written to by what runs it`(isShortLived: Bool) throws {
        let scratch = try Scratch()
        try scratch.write("program", "#!/bin/sh\n")
        try system("chmod") { chmod(scratch("program"), 0o755) }
        let program = MonitorProgram(path: scratch("program"), isShortLived: isShortLived)
        let held = "/proc/self/fd/\(try program.sealed())"
        // As the attack does: read first, and from there to a descriptor that writes.
        let reader = try Descriptor.open(held, O_RDONLY)
        for path in [held, "/proc/self/fd/\(reader.raw)"] {
            if let writer = try? Descriptor.open(path, O_RDWR) {
                let raw = writer.raw
                #expect(isShortLived == false)
                #expect(write(raw, "x", 1) == -1 && errno == EPERM)
                #expect(ftruncate(raw, 0) == -1 && errno == EPERM)
            } else if isShortLived {
                #expect(errno == EROFS)
            }
            #expect(chmod(path, 0o777) == -1 || !isShortLived)
        }
        #expect(try Files.text(scratch("program")) == "#!/bin/sh")
        #expect(try !MountTable.read().contains { $0.point.hasPrefix(scratch.path) })
    }
}
