internal import Glibc
internal import Linux

/// Which addresses are taken, and by whom: a directory with a file for each, held locked as long as this value lives.
///
/// A file has the sandbox's id in its first line, and its host ports in the others. It is written before the address
/// is used and removed after.
struct AddressPool: ~Copyable {
    private let directory: String
    private let lock: Descriptor

    /// Waits for others. Throws SystemError.
    init(directory: String) throws {
        self.directory = directory
        lock = try Self.locked(directory)
    }

    private static func locked(_ directory: String) throws -> Descriptor {
        try Files.makeDirectories(directory, mode: 0o700)
        let file = try Descriptor.open("\(directory)/lock", O_RDWR | O_CREAT, mode: 0o600)
        let number = file.raw
        try system("flock", "\(directory)/lock") { flock(number, LOCK_EX) }
        return file
    }

    /// Takes an address of a range; the one that was given out last is the last to be given out again. Throws
    /// ``BridgeError`` when none is left.
    func take(from range: AddressRange, for sandbox: String) throws -> String {
        let taken = Set(try names())
        let memory = "\(directory)/next-\(range.isIPv6 ? 6 : 4)"
        let start = (try? Files.text(memory)).flatMap { Int($0) } ?? 0
        for step in 0..<range.capacity {
            let number = (start + step) % range.capacity
            let address = range.address(number)
            if taken.contains(Self.name(address)) { continue }
            try Files.replace("\(directory)/\(Self.name(address))", with: Array("\(sandbox)\n".utf8))
            try Files.replace(memory, with: Array("\((number + 1) % range.capacity)".utf8), isDurable: false)
            return address
        }
        throw BridgeError("no address of \(range.description) is left")
    }

    /// The addresses of a sandbox with the ports of each, as ``note(_:of:)`` had them.
    func addresses(of sandbox: String) throws -> [(address: String, ports: [PortMapping])] {
        try names().compactMap { name in
            let lines = ((try? Files.text("\(directory)/\(name)")) ?? "").split(separator: "\n").map(String.init)
            guard lines.first == sandbox else { return nil }
            return (Self.address(name), lines.dropFirst().compactMap(PortMapping.init(line:)))
        }
    }

    /// Notes the ports of an address, before they are opened.
    func note(_ ports: [PortMapping], of address: String, _ sandbox: String) throws {
        let lines = [sandbox] + ports.map(\.line)
        let text = lines.map { "\($0)\n" }.joined()
        try Files.replace("\(directory)/\(Self.name(address))", with: Array(text.utf8))
    }

    /// Gives an address back; one that is not taken is fine.
    func release(_ address: String) throws { try Files.remove("\(directory)/\(Self.name(address))") }

    private func names() throws -> [String] {
        try Files.names(in: directory).filter { $0.hasPrefix("ip-") }
    }

    private static func name(_ address: String) -> String { "ip-\(address)" }
    private static func address(_ name: String) -> String { String(name.dropFirst(3)) }
}

/// Why a pod cannot be attached, in words for people.
public struct BridgeError: Error, CustomStringConvertible {
    /// The reason.
    public let description: String
    /// The error code of the CNI specification, section 5.
    public let code: Int

    init(_ description: String, code: Int = 100) {
        self.description = description
        self.code = code
    }
}
