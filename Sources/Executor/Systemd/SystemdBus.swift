internal import Glibc
internal import Linux

/// A connection to systemd: by the system's bus, or to its own socket where there is no bus.
final class SystemdBus {
    private let socket: Descriptor
    private var serial: UInt32 = 0
    private var received: [UInt8] = []
    /// Results of jobs that ended before anybody asked.
    private var endedJobs: [String: String] = [:]

    private static let places = ["/run/dbus/system_bus_socket", "/run/systemd/private"]
    private static let name = "org.freedesktop.systemd1"
    /// How long systemd may take for an answer or a job, in seconds.
    private static let patience = 30

    /// Connects and asks to be told of jobs.
    convenience init() throws {
        var failure: any Error = ExecutorError("systemd does not run here")
        for place in Self.places {
            do {
                try self.init(connectedTo: place)
                return
            } catch {
                failure = error
            }
        }
        throw failure
    }

    /// Connects to the bus, or systemd, that listens there.
    init(connectedTo place: String) throws {
        socket = Descriptor(owning: try UnixSocket.connect(place))
        let raw = socket.raw
        var limit = timeval(tv_sec: Self.patience, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        try system("setsockopt") { setsockopt(raw, SOL_SOCKET, SO_RCVTIMEO, &limit, size) }
        try authenticate()
        if place.hasSuffix("bus_socket") {
            try call("Hello", of: "org.freedesktop.DBus", at: "/org/freedesktop/DBus", to: "org.freedesktop.DBus")
            let rule = "type='signal',sender='\(Self.name)',member='JobRemoved'"
            try call(
                "AddMatch", of: "org.freedesktop.DBus", at: "/org/freedesktop/DBus", to: "org.freedesktop.DBus",
                [.string(rule)])
        }
        try manage("Subscribe")
    }

    /// Who we are the kernel tells; the other side wants to hear it too (SASL EXTERNAL).
    private func authenticate() throws {
        let digits = String(getuid()).utf8.map { byte in
            let text = String(byte, radix: 16)
            return text.count < 2 ? "0\(text)" : text
        }
        try send([0] + Array("AUTH EXTERNAL \(digits.joined())\r\n".utf8))
        var line: [UInt8] = []
        while line.suffix(2) != [13, 10] {
            let next = try receive(1)
            line += next
            guard line.count < 1024 else { throw ExecutorError("systemd: no answer to AUTH") }
        }
        guard line.starts(with: Array("OK ".utf8)) else {
            throw ExecutorError("systemd: \(String(decoding: line.dropLast(2), as: UTF8.self))")
        }
        try send(Array("BEGIN\r\n".utf8))
    }

    /// Calls a method of systemd's manager; the strings of its answer.
    @discardableResult
    func manage(_ member: String, _ arguments: [DBusValue] = []) throws -> [String] {
        try call(
            member, of: "\(Self.name).Manager", at: "/org/freedesktop/systemd1", to: Self.name, arguments)
    }

    /// Calls a method that starts a job and waits for its end; throws unless it is "done".
    func runJob(_ member: String, _ arguments: [DBusValue]) throws {
        guard let job = try manage(member, arguments).first else { throw ExecutorError("systemd: no job") }
        while endedJobs[job] == nil { note(try receiveMessage()) }
        let result = endedJobs[job] ?? ""
        guard result == "done" || result == "skipped" else { throw ExecutorError("systemd: \(member): job \(result)") }
    }

    @discardableResult
    private func call(
        _ member: String, of interface: String, at path: String, to destination: String,
        _ arguments: [DBusValue] = []
    ) throws -> [String] {
        serial += 1
        try send(
            DBusMessage.call(
                serial, destination: destination, path: path, interface: interface, member: member, arguments))
        while true {
            let message = try receiveMessage()
            note(message)
            guard message.replySerial == serial else { continue }
            if message.kind == .error { throw SystemdError(name: message.errorName, text: message.texts.first ?? "") }
            return message.texts
        }
    }

    /// Signal JobRemoved has the job's number, path, unit and result.
    private func note(_ message: DBusMessage) {
        guard message.kind == .signal, message.member == "JobRemoved", message.texts.count == 3 else { return }
        endedJobs[message.texts[0]] = message.texts[2]
    }

    private func receiveMessage() throws -> DBusMessage {
        let head = try receive(16)
        guard let length = DBusMessage.length(head[...]), length >= 16 else {
            throw ExecutorError("systemd: malformed message")
        }
        guard let message = DBusMessage(head + (try receive(length - 16))) else {
            throw ExecutorError("systemd: malformed message")
        }
        return message
    }

    private func send(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try socket.writeAll($0) } }

    private func receive(_ count: Int) throws -> [UInt8] {
        let raw = socket.raw
        while received.count < count {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let got = try buffer.withUnsafeMutableBytes { bytes in
                try system("read", "systemd") { read(raw, bytes.baseAddress, bytes.count) }
            }
            guard got > 0 else { throw ExecutorError("systemd: the connection was closed") }
            received += buffer[..<got]
        }
        defer { received.removeFirst(count) }
        return Array(received[..<count])
    }
}

/// What systemd refused.
struct SystemdError: Error, CustomStringConvertible {
    /// As D-Bus has it.
    var name: String
    var text: String

    var description: String { "systemd: \(text.isEmpty ? name : text)" }
}
