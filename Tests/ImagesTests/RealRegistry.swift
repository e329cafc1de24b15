import Glibc
import TestScratch

@testable import Images

/// Debian's docker-registry on a port of its own.
struct RealRegistry {
    let host: String
    private let child: Int32

    /// Over TLS with a certificate and its key, or without.
    init(_ scratch: Scratch, certificate: (file: String, key: String)? = nil) async throws {
        let port = try Listener().port
        host = "127.0.0.1:\(port)"
        let tls = certificate.map { #", "tls": {"certificate": "\#($0.file)", "key": "\#($0.key)"}"# } ?? ""
        let configuration = try scratch.write(
            "registry.json",
            """
            {"version": 0.1, "log": {"level": "error", "accesslog": {"disabled": true}},
             "storage": {"filesystem": {"rootdirectory": "\(scratch("registry"))"}}, "http": {"addr": "\(host)"\(tls)}}
            """)
        child = try Child.spawn("exec docker-registry serve \(configuration)")
        guard let base = WebAddress("\(certificate == nil ? "http" : "https")://\(host)/v2/") else { return }
        try await Cancellation.run { cancellation in
            let connection = try HTTPConnection()
            var request = HTTPRequest(url: base)
            request.tls.skipsVerification = true
            for _ in 0..<500 {
                if (try? connection.perform(request, cancellation) { _, _ in }) != nil { return }
                try cancellation.sleep(milliseconds: 20)
            }
            throw ImageError(.failed, "docker-registry does not answer")
        }
    }

    func stop() {
        kill(child, SIGKILL)
        Child.reap(child)
    }
}
