import Glibc
import TestScratch
import Testing

@testable import Statistics

@Suite("Files of /proc")
struct ProcFilesTests {
    static let headings = """
        Inter-|   Receive                                                |  Transmit
         face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed

        """

    @Test("network interfaces")
    func interfaces() throws {
        let scratch = try Scratch()
        let text =
            Self.headings + """
                    lo:  100  1 0 0 0 0 0 0  100  1 0 0 0 0 0 0
                  eth0: 1024 10 1 2 0 0 0 3 2048 20 4 5 0 0 0 0
                net1:7 1 0 0 0 0 0 0 8 1 0 0 0 0 0 0

                """
        let found = InterfaceSample.read(try scratch.write("dev", text), FileReader())
        #expect(found.map(\.name) == ["eth0", "net1"])
        #expect(found[0].received == .init(bytes: 1024, packets: 10, errors: 1, dropped: 2))
        #expect(found[0].transmitted == .init(bytes: 2048, packets: 20, errors: 4, dropped: 5))
        #expect(found[1].received.bytes == 7)
        #expect(found[1].transmitted.bytes == 8)
    }

    @Test("lines of another form are passed over", arguments: ["", "eth0", "eth0: 1 2", ": 1 2 3\n", "\n\n\n\n"])
    func malformed(text: String) throws {
        let scratch = try Scratch()
        #expect(InterfaceSample.read(try scratch.write("dev", Self.headings + text), FileReader()).isEmpty)
        #expect(InterfaceSample.read(scratch("none"), FileReader()).isEmpty)
    }

    @Test("threads, descriptors, sockets and the limit of a real process")
    func processes() throws {
        let child = try Child.spawn(
            "exec 7</dev/null 8</dev/null; ulimit -Sn 321; echo ready; exec sleep 1000", awaiting: "ready")
        defer {
            kill(child, SIGKILL)
            Child.reap(child)
        }
        let sample = ProcessSample.read([child], first: child, FileReader())
        #expect(sample.count == 1)
        #expect(sample.threads == 1)
        #expect(sample.descriptors >= 5)
        #expect(sample.openFileLimit == 321)
    }

    @Test("our own sockets count")
    func sockets() throws {
        let before = ProcessSample.read([getpid()], first: getpid(), FileReader())
        var ends: [CInt] = [-1, -1]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        let after = ProcessSample.read([getpid()], first: getpid(), FileReader())
        for end in ends { close(end) }
        #expect(after.sockets >= before.sockets + 2)
    }

    @Test("a process that is gone counts as nothing")
    func gone() {
        let sample = ProcessSample.read([0x7fff_fff0], first: 0x7fff_fff0, FileReader())
        #expect(sample.descriptors == 0 && sample.threads == 0 && sample.openFileLimit == nil)
    }
}
