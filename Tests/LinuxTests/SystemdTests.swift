import Glibc
import Linux
import Testing

/// A datagram socket as the service manager has one, at a path or in the abstract name space.
private final class Manager {
    let socket: Descriptor
    let name: String

    init(abstract: Bool) throws {
        socket = Descriptor(
            owning: try system("socket") { Glibc.socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0) }
        )
        name = (abstract ? "@" : "/tmp/") + "fender-notify-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        try bindUnix(socket, name)
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        let raw = socket.raw
        try system("setsockopt") {
            setsockopt(raw, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    deinit {
        if name.hasPrefix("/") { unlink(name) }
    }

    func message() throws -> String {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let raw = socket.raw
        let count = try system("recv") { recv(raw, &bytes, bytes.count, 0) }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}

private func bindUnix(_ socket: borrowing Descriptor, _ name: String) throws {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(name.utf8)
    if name.hasPrefix("@") { bytes[0] = 0 }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let length = socklen_t(2 + bytes.count)
    let raw = socket.raw
    _ = try withUnsafePointer(to: address) { pointer in
        try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { target in
            try system("bind", name) { bind(raw, target, length) }
        }
    }
}

private func streamSocket(_ family: CInt = AF_UNIX) throws -> Descriptor {
    Descriptor(owning: try system("socket") { socket(family, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0) })
}

struct SystemdTests {
    @Test(arguments: [false, true]) func notifications(abstract: Bool) throws {
        let manager = try Manager(abstract: abstract)
        let systemd = Systemd(["NOTIFY_SOCKET": manager.name])
        try systemd.notify(.ready)
        #expect(try manager.message() == "READY=1")
        try systemd.notify(.ready, .status("two\nlines"))
        #expect(try manager.message() == "READY=1\nSTATUS=two lines")
        try systemd.notify(.watchdog)
        #expect(try manager.message() == "WATCHDOG=1")
        try systemd.notify(.stopping)
        #expect(try manager.message() == "STOPPING=1")
        try systemd.notify(.reloading)
        #expect(try manager.message().hasPrefix("RELOADING=1\nMONOTONIC_USEC="))
    }

    @Test func reloadingTellsTheMonotonicClock() throws {
        let manager = try Manager(abstract: true)
        func clock() -> Int {
            var time = timespec()
            clock_gettime(CLOCK_MONOTONIC, &time)
            return time.tv_sec * 1_000_000 + time.tv_nsec / 1000
        }
        let before = clock()
        try Systemd(["NOTIFY_SOCKET": manager.name]).notify(.reloading)
        let told = try #require(Int(try manager.message().split(separator: "=").last ?? ""))
        #expect((before...clock()).contains(told))
    }

    @Test func withoutManagerNothingHappens() throws {
        try Systemd([:]).notify(.ready)
        try Systemd(["NOTIFY_SOCKET": ""]).notify(.ready)
    }

    @Test(arguments: [
        ("/nonexistent/notify", ENOENT), ("vsock:2:9999", EAFNOSUPPORT),
        ("/" + String(repeating: "a", count: 200), ENAMETOOLONG),
    ]) func aManagerThatCannotBeReached(name: String, code: CInt) {
        #expect { try Systemd(["NOTIFY_SOCKET": name]).notify(.ready) } throws: { ($0 as? SystemError)?.code == code }
    }

    @Test(arguments: [
        (["WATCHDOG_USEC": "30000000"], Duration.seconds(30)),
        (["WATCHDOG_USEC": "1", "WATCHDOG_PID": "7"], .microseconds(1)),
        (["WATCHDOG_USEC": "1", "WATCHDOG_PID": "8"], nil), (["WATCHDOG_USEC": "1", "WATCHDOG_PID": "x"], nil),
        (["WATCHDOG_USEC": "0"], nil), (["WATCHDOG_USEC": "-5"], nil), (["WATCHDOG_USEC": "x"], nil), ([:], nil),
    ]) func watchdog(environment: [String: String], period: Duration?) {
        #expect(Systemd(environment, process: 7).watchdog == period)
    }

    @Test(arguments: [
        (["LISTEN_PID": "7", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b"], ["a", "b"]),
        (["LISTEN_PID": "7", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "a"], ["a", ""]),
        (["LISTEN_PID": "7", "LISTEN_FDS": "1"], [""]), (["LISTEN_PID": "8", "LISTEN_FDS": "1"], []),
        (["LISTEN_FDS": "1"], []), (["LISTEN_PID": "7", "LISTEN_FDS": "0"], []),
        (["LISTEN_PID": "7", "LISTEN_FDS": "-1"], []), (["LISTEN_PID": "7", "LISTEN_FDS": "99999999"], []),
        (["LISTEN_PID": "7"], []), ([:], []),
    ]) func passedSockets(environment: [String: String], names: [String]) {
        let sockets = Systemd(environment, process: 7).sockets
        #expect(sockets.map(\.name) == names)
        #expect(sockets.map(\.number) == names.indices.map { Int32($0 + 3) })
    }

    @Test func theListenerIsFoundAmongWhatWasPassed() throws {
        let listening = try streamSocket()
        try bindUnix(listening, "@fender-listen-\(getpid())-\(UInt32.random(in: 0...UInt32.max))")
        let raw = listening.raw
        try system("listen") { listen(raw, 1) }
        let count = Int(raw) - 2
        let names = (3...Int(raw)).map { $0 == Int(raw) ? "cri.socket" : "other\($0)" }.joined(separator: ":")
        let systemd = Systemd(
            ["LISTEN_PID": "1", "LISTEN_FDS": "\(count)", "LISTEN_FDNAMES": names], process: 1)

        for which in ["cri.socket", "\(raw)"] {
            let found = try systemd.listener(which)
            #expect(found.raw != raw)
            #expect(try found.status().st_ino == listening.status().st_ino)
            #expect(fcntl(found.raw, F_GETFD) & FD_CLOEXEC != 0)
        }
        #expect { _ = try systemd.listener("absent") } throws: { ($0 as? SystemError)?.code == ENOENT }
    }

    @Test func whatIsNoListenerIsRefused() throws {
        let unconnected = try streamSocket()
        let internet = try streamSocket(AF_INET)
        let internetNumber = internet.raw
        try system("listen") { listen(internetNumber, 1) }
        let file = try Descriptor.open("/dev/null", O_RDONLY)
        for (number, code) in [(unconnected.raw, EINVAL), (internet.raw, EINVAL), (file.raw, ENOTSOCK), (1000, EBADF)] {
            let systemd = Systemd(["LISTEN_PID": "1", "LISTEN_FDS": "\(number - 2)"], process: 1)
            #expect { _ = try systemd.listener("\(number)") } throws: { ($0 as? SystemError)?.code == code }
        }
        #expect { _ = try Systemd([:]).listener() } throws: { ($0 as? SystemError)?.code == ENOENT }
    }
}
