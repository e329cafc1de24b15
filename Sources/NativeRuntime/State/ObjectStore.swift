internal import CRI
internal import Glibc
internal import Linux
internal import SwiftProtobuf

/// What is remembered of the objects of one kind: a directory each, of the request that made it and its last status.
///
/// A directory without a status is the remains of a creation that never came to its end.
struct ObjectStore<Request: Message, Status: Message>: Sendable {
    /// Absolute; made with the first object.
    let root: String

    func directory(_ id: String) -> String { "\(root)/\(id)" }

    /// The first step of a creation.
    func begin(_ id: String, _ request: Request) throws {
        try Files.makeDirectories(root, mode: 0o700)
        try system("mkdir", directory(id)) { mkdir(directory(id), 0o700) }
        try Files.replace("\(directory(id))/request", with: request.serializedBytes(), isDurable: false)
    }

    /// The last step of a creation, and every change after it.
    func save(_ id: String, _ status: Status) throws {
        try Files.replace("\(directory(id))/status", with: status.serializedBytes(), isDurable: false)
    }

    func ids() throws -> [String] { try Files.names(in: root) }

    /// Nil when it was never finished, or its files make no sense.
    func read(_ id: String) -> (request: Request, status: Status)? {
        guard let status = try? Files.read("\(directory(id))/status"),
            let request = try? Files.read("\(directory(id))/request"),
            let readRequest = try? Request(serializedBytes: request),
            let readStatus = try? Status(serializedBytes: status)
        else { return nil }
        return (readRequest, readStatus)
    }

    func request(_ id: String) throws -> Request {
        try Request(serializedBytes: Files.read("\(directory(id))/request"))
    }

    /// Forgets it; the status goes first, so that whatever is left is remains. Repeating it is fine.
    func remove(_ id: String) throws {
        try Files.remove("\(directory(id))/status")
        for name in try Files.names(in: directory(id)) { try Files.remove("\(directory(id))/\(name)") }
        try Files.removeDirectory(directory(id))
    }
}

typealias SandboxStore = ObjectStore<RunPodSandboxRequest, PodSandboxStatus>
typealias ContainerFiles = ObjectStore<CreateContainerRequest, ContainerStatus>

/// Ids as all runtimes have them: 256 random bits in hexadecimal.
enum ObjectID {
    static func make() -> String {
        var generator = SystemRandomNumberGenerator()
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for _ in 0..<4 {
            let number = generator.next()
            for shift in stride(from: 60, through: 0, by: -4) { text.append(digits[Int(number >> UInt64(shift) & 15)]) }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
