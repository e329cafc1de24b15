import Foundation
import Glibc
import TestSupport
import Testing

@testable import DockerEngine

@Suite("Against a real dockerd on TCP", .timeLimit(.minutes(5)), .serialized)
struct DaemonTCPTests {
    @Test func plainTCPCarriesCallsAndStreams() async throws {
        let port = try Self.freePort()
        try await DockerDaemon.with(arguments: ["--host", "tcp://127.0.0.1:\(port)"]) { daemon in
            let engine = try DockerEngine(endpoint: DockerEndpoint(parsing: "tcp://127.0.0.1:\(port)"))
            let image = try await engine.importImage(.bytes(BusyboxImage.archive()))
            let fixture = DaemonFixture(daemon: daemon, engine: engine)
            try await fixture.withRunningContainer {
                $0.config.Image = image
            } _: { id in
                let (_, stream) = try await fixture.start(["sh", "-c", "cat; echo err >&2"], in: id)
                try await stream.write(Array("hello".utf8))
                stream.closeWrite()
                var output = ExecOutput()
                for try await frame in stream {
                    if frame.stream == .stderr { output.stderr += frame.bytes } else { output.stdout += frame.bytes }
                }
                #expect(output.stdout == Array("hello".utf8) && output.stderr == Array("err\n".utf8))
            }
        }
    }

    @Test func tlsChecksBothSides() async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("fender-tls-\(getpid())").path
        try Self.makeCertificates(directory)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let port = try Self.freePort()
        let arguments = [
            "--tlsverify", "--tlscacert", "\(directory)/ca.pem", "--tlscert", "\(directory)/cert.pem", "--tlskey",
            "\(directory)/key.pem", "--host", "tcp://127.0.0.1:\(port)",
        ]
        try await DockerDaemon.with(arguments: arguments) { _ in
            let whole = DockerEndpoint.TLS(
                caFile: "\(directory)/ca.pem", certificateFile: "\(directory)/cert.pem",
                keyFile: "\(directory)/key.pem")
            let engine = try DockerEngine(endpoint: DockerEndpoint(.tcp(host: "127.0.0.1", port: port), tls: whole))
            #expect(try await engine.info().NCPU > 0)
            let withoutCertificate = DockerEndpoint.TLS(caFile: "\(directory)/ca.pem")
            let withoutAuthority = DockerEndpoint.TLS(certificateFile: whole.certificateFile, keyFile: whole.keyFile)
            for tls in [withoutCertificate, withoutAuthority] {
                let stranger = try DockerEngine(endpoint: DockerEndpoint(.tcp(host: "127.0.0.1", port: port), tls: tls))
                let error = await #expect(throws: DockerError.self) { try await stranger.info() }
                #expect(error?.kind == .unavailable)
            }
        }
    }

    /// A port that was free a moment ago.
    private static func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 ? getsockname(descriptor, $0, &size) : -1
            }
        }
        guard code == 0 else { throw POSIXError(.EADDRINUSE) }
        return UInt16(bigEndian: address.sin_port)
    }

    /// One self-signed certificate that is authority, daemon and client in one.
    private static func makeCertificates(_ directory: String) throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try Program.run([
            "/usr/bin/openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
            "/CN=fender-test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "\(directory)/key.pem", "-out",
            "\(directory)/cert.pem",
        ])
        try FileManager.default.copyItem(atPath: "\(directory)/cert.pem", toPath: "\(directory)/ca.pem")
    }
}
