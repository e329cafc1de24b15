import Glibc
import Linux
import TestScratch
import Testing

@Suite("What /proc tells of processes and mounts")
struct ProcessCredentialsTests {
    @Test("our own credentials")
    func own() throws {
        let credentials = try ProcessCredentials.read(getpid())
        #expect(credentials.uid == geteuid())
        #expect(credentials.gid == getegid())
        var groups = [gid_t](repeating: 0, count: 1_024)
        let count = Int(getgroups(1_024, &groups))
        #expect(credentials.groups.sorted() == groups.prefix(count).sorted())
    }

    @Test("another user's", .enabled(if: getuid() == 0, "needs root"))
    func others() throws {
        let child = try Child.spawn(
            "exec setpriv --reuid 1234 --regid 4294967294 --groups 7,9,4294967294 sh -c 'echo ready; exec sleep 1000'",
            awaiting: "ready")
        let credentials = try ProcessCredentials.read(child)
        try ProcessTree.kill(child)
        Child.reap(child)
        #expect(credentials == ProcessCredentials(uid: 1_234, gid: 4_294_967_294, groups: [7, 9, 4_294_967_294]))
    }

    @Test("a process that is not there is an error")
    func absent() {
        #expect(throws: SystemError.self) { try ProcessCredentials.read(0x7fff_fffe) }
    }

    @Test(
        "device numbers",
        arguments: [("/dev/null", 1, 3), ("/dev/zero", 1, 5), ("/dev/tty", 5, 0)] as [(String, UInt32, UInt32)])
    func devices(path: String, major: UInt32, minor: UInt32) throws {
        var status = stat()
        try system("stat", path) { stat(path, &status) }
        let number = DeviceNumber(status.st_rdev)
        #expect((number.major, number.minor) == (major, minor))
    }

    @Test("mount lines are taken apart")
    func mounts() throws {
        let entry = try #require(
            MountTable.parse(
                "36 35 98:0 /a\\040b /mnt\\134x rw,noatime master:1 shared:7 - ext3 /dev/r\\011t rw,errors=continue\n"
            ).first)
        #expect(entry.id == 36)
        #expect(entry.parent == 35)
        #expect(entry.root == "/a b")
        #expect(entry.point == "/mnt\\x")
        #expect(entry.options == ["rw", "noatime"])
        #expect(entry.isShared)
        #expect(entry.type == "ext3")
        #expect(entry.source == "/dev/r\tt")
        #expect(entry.superOptions == ["rw", "errors=continue"])
        #expect(MountTable.parse("36 35 98:0 / /mnt rw ext3\nx\n\n - - - \n") == [])
        #expect(try MountTable.read().contains { $0.point == "/proc" && $0.type == "proc" })
    }
}
