import Glibc
import Testing

@testable import RPC

extension ServerTests {
    @Suite struct Listening {
        private func server(_ endpoint: Server.Endpoint) -> Server {
            Server(configuration: .init(endpoint: endpoint, logger: .quiet), methods: Unary.echo)
        }

        private func stop(_ server: Server, _ running: Task<Void, any Error>) async throws {
            server.shutdown(grace: .zero)
            try await running.value
        }

        private func echoes(_ path: String) async throws {
            let client = try Client(path)
            let response = try await client.unary("/t.T/Echo", [1])
            #expect(response == [1])
            await client.close()
        }

        @Test(arguments: [UInt32](arrayLiteral: 0o660, 0o600, 0o666))
        func socketHasItsModeAndGroup(mode: UInt32) async throws {
            let directory = try TemporaryDirectory()
            let path = "\(directory.path)/s.sock"
            let server = server(.path(path, mode: mode, group: getgid()))
            let running = try await start(server)
            var status = stat()
            #expect(stat(path, &status) == 0)
            #expect(status.st_mode == S_IFSOCK | mode)
            #expect(status.st_gid == getgid())
            #expect(directory.names == ["s.sock"])
            try await stop(server, running)
            #expect(directory.names == [])
        }

        @Test func staleSocketIsReplaced() async throws {
            let directory = try TemporaryDirectory()
            let path = "\(directory.path)/s.sock"
            let stale = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
            let bound = try UnixAddress(path).with { bind(stale, $0, $1) }
            #expect(bound == 0)
            close(stale)
            let server = server(.path(path))
            let running = try await start(server)
            try await echoes(path)
            try await stop(server, running)
        }

        @Test func liveSocketIsLeftAlone() async throws {
            let directory = try TemporaryDirectory()
            let path = "\(directory.path)/s.sock"
            let first = server(.path(path))
            let running = try await start(first)
            await #expect(throws: ListenError.alreadyServed(path)) { try await server(.path(path)).run() }
            try await echoes(path)
            try await stop(first, running)
        }

        @Test func leftoverOfAKilledServerIsReplaced() async throws {
            let directory = try TemporaryDirectory()
            let leftover = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
            let bound = try UnixAddress("\(directory.path)/.fender.sock.new").with { bind(leftover, $0, $1) }
            #expect(bound == 0)
            close(leftover)
            let path = "\(directory.path)/s.sock"
            let server = server(.path(path))
            let running = try await start(server)
            #expect(directory.names == ["s.sock"])
            try await stop(server, running)
        }

        @Test func oneOfManyStartingServersWins() async throws {
            let directory = try TemporaryDirectory()
            let path = "\(directory.path)/s.sock"
            let servers = (0..<8).map { _ in server(.path(path)) }
            let (ready, isReady) = AsyncStream.makeStream(of: Void.self)
            let failures = try await withThrowingTaskGroup(of: Bool.self) { group in
                for server in servers {
                    group.addTask {
                        do {
                            try await server.run { isReady.yield() }
                            return false
                        } catch is ListenError {
                            return true
                        }
                    }
                }
                var failures = 0
                while failures < 7, let failed = try await group.next() { failures += failed ? 1 : 0 }
                // The others can lose before the winner's socket has its name.
                for await _ in ready { break }
                try await echoes(path)
                for server in servers { server.shutdown(grace: .zero) }
                try await group.waitForAll()
                return failures
            }
            #expect(failures == 7)
            #expect(directory.names == [])
        }

        @Test func otherFilesAreLeftAlone() async throws {
            let directory = try TemporaryDirectory()
            let path = "\(directory.path)/s.sock"
            close(open(path, O_CREAT | O_WRONLY, 0o600))
            await #expect(throws: ListenError.notASocket(path)) { try await server(.path(path)).run() }
            #expect(directory.names == ["s.sock"])
        }

        @Test func successorsSocketIsLeftAlone() async throws {
            let directory = try TemporaryDirectory()
            let path = "\(directory.path)/s.sock"
            let first = server(.path(path))
            let running = try await start(first)
            unlink(path)
            let second = server(.path(path))
            let runningSecond = try await start(second)
            try await stop(first, running)
            try await echoes(path)
            try await stop(second, runningSecond)
        }

        @Test(arguments: ["relative.sock", "/", "", "/tmp/", "/tmp/" + String(repeating: "x", count: 104)])
        func unusablePath(path: String) async throws {
            await #expect(throws: ListenError.self) { try await server(.path(path)).run() }
        }

        /// The longest paths that an address can hold; the temporary name must not make them longer.
        @Test(arguments: [1, 50, 85])
        func longPath(nameLength: Int) async throws {
            let directory = try TemporaryDirectory()
            let inner = String(repeating: "d", count: 105 - directory.path.utf8.count - nameLength)
            let long = "\(directory.path)/\(inner)"
            #expect(mkdir(long, 0o700) == 0)
            defer { rmdir(long) }
            let path = "\(long)/\(String(repeating: "s", count: nameLength))"
            #expect(path.utf8.count == 107)
            let server = server(.path(path))
            let running = try await start(server)
            try await echoes(path)
            try await stop(server, running)
        }

        @Test func missingDirectory() async throws {
            await #expect(throws: (any Error).self) { try await server(.path("/nonexistent/s.sock")).run() }
        }

        @Test func inheritedSocket() async throws {
            let directory = try TemporaryDirectory()
            let path = "\(directory.path)/s.sock"
            let listener = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
            let bound = try UnixAddress(path).with { bind(listener, $0, $1) }
            #expect(bound == 0 && listen(listener, 10) == 0)
            let server = server(.inherited(listener))
            let running = try await start(server)
            try await echoes(path)
            try await stop(server, running)
            // The file is systemd's.
            #expect(directory.names == ["s.sock"])
        }

        @Test(arguments: [CInt](arrayLiteral: -1, 0, 9999))
        func inheritedSomethingElse(number: CInt) async throws {
            await #expect(throws: ListenError.notAListener(number)) { try await server(.inherited(number)).run() }
        }
    }
}
