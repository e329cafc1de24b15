import CExecutor
import CSeccomp
import Glibc
import Linux
import OCI
import TestScratch
import Testing

@testable import Executor

/// Seccomp filters that ask an agent (config-linux.md, "listenerPath").
@Suite(.enabled(if: Machine.canRun), .serialized) struct ListenerTests {
    private static func filter(_ socket: String) -> String {
        #"""
        ,"seccomp":{"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"\#(socket)","listenerMetadata":"for the agent",
        "syscalls":[{"names":["sethostname"],"action":"SCMP_ACT_NOTIFY"}]}
        """#
    }

    @Test(arguments: [false, true])
    func `an agent answers for the kernel`(noNewPrivileges: Bool) async throws {
        let scratch = try Scratch()
        let agent = try Agent(scratch("agent"))
        let bundle = try Bundle(
            "hostname inside 2>&1 || echo refused; exit 0",
            process: noNewPrivileges ? #","noNewPrivileges":true"# : "", linux: Self.filter(scratch("agent")))
        let served = Task { try await DedicatedThread.run { try agent.serve(refuseWith: E2BIG) } }
        let (container, record) = try await DedicatedThread.run { try bundle.superviseToEnd() }
        defer { _ = try? container.delete(force: true) }
        let message = try await served.value
        #expect(record.code == 0)
        #expect(try bundle.log() == ["stdout F hostname: sethostname: Argument list too long", "stdout F refused"])
        #expect(message["fds"] == .array([.string("seccompFd")]))
        #expect(message["metadata"] == .string("for the agent"))
        #expect(message["state"]?["id"] == .string(bundle.id))
        #expect(message["pid"] == message["state"]?["pid"])
    }

    @Test(arguments: [
        ("", "linux.seccomp.listenerPath: is missing"),
        (#","listenerPath":"/nonexistent/agent""#, "connect /nonexistent/agent: No such file or directory"),
    ])
    func `without an agent there is no container`(path: String, error: String) throws {
        let bundle = try Bundle(
            "exit 0",
            linux: #"""
                ,"seccomp":{"defaultAction":"SCMP_ACT_ALLOW"\#(path),
                "syscalls":[{"names":["sethostname"],"action":"SCMP_ACT_NOTIFY"}]}
                """#)
        #expect { try bundle.create() } throws: { "\($0)" == error }
        #expect(try bundle.remains().isEmpty)
    }

    @Test func `the call that sends the listener cannot wait for it`() throws {
        let bundle = try Bundle(
            "exit 0",
            linux: #"""
                ,"seccomp":{"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"/x",
                "syscalls":[{"names":["read","sendmsg"],"action":"SCMP_ACT_NOTIFY"}]}
                """#)
        #expect { try bundle.create() } throws: {
            "\($0)" == "linux.seccomp.syscalls[0].names: sendmsg cannot have SCMP_ACT_NOTIFY"
        }
    }
}

/// Takes one listener and answers one call.
private final class Agent: Sendable {
    private let listener: CInt

    init(_ path: String) throws {
        listener = try system("socket") { socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let (raw, size) = (listener, socklen_t(MemoryLayout<sockaddr_un>.size))
        try system("bind", path) {
            withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(raw, $0, size) }
            }
        }
        try system("listen", path) { listen(raw, 1) }
    }

    deinit { close(listener) }

    func serve(refuseWith code: CInt) throws -> JSON {
        let connection = Descriptor(owning: try system("accept") { accept(listener, nil, nil) })
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        var descriptor: CInt = -1
        let count = buffer.withUnsafeMutableBytes {
            fender_report_receive(connection.raw, $0.baseAddress, $0.count, &descriptor)
        }
        guard count > 0, descriptor >= 0 else { throw SystemError(call: "recvmsg", code: errno) }
        let file = Descriptor(owning: descriptor)
        var request: UnsafeMutablePointer<seccomp_notif>?
        var response: UnsafeMutablePointer<seccomp_notif_resp>?
        try check(seccomp_notify_alloc(&request, &response))
        defer { seccomp_notify_free(request, response) }
        try check(seccomp_notify_receive(file.raw, request))
        response?.pointee.id = request?.pointee.id ?? 0
        response?.pointee.error = -code
        try check(seccomp_notify_respond(file.raw, response))
        return try JSON(parsing: Array(buffer[..<count]))
    }

    private func check(_ result: CInt) throws {
        if result < 0 { throw SystemError(call: "seccomp_notify", code: -result) }
    }
}
