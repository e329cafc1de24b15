import Logging
import TestScratch
import Testing

@testable import Images

@Suite("hosts.toml")
struct RegistryHostsTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func hosts(_ text: String, of registry: String = "example.org") throws -> [RegistryHost] {
        try scratch.write("certs.d/\(registry)/hosts.toml", text)
        return try RegistryHosts(scratch("certs.d")).hosts(of: registry)
    }

    @Test("names mirrors, and how each is reached")
    func mirrors() throws {
        let found = try hosts(
            """
            server = "https://example.org"
            [host."https://mirror.example.net:8443"]
              capabilities = ["pull"]
              ca = "ca.pem"
              client = [["/c/one.cert", "one.key"]]
              skip_verify = true
              [host."https://mirror.example.net:8443".header]
                x-one = "1"
                x-more = ["2", "3"]
            [host."http://10.0.0.1/sub/v2"]
              override_path = true
              capabilities = ["pull", "resolve", "push"]
            [host."10.0.0.2:5000"]
            [host."https://push.example.org"]
              capabilities = ["push"]
            """)
        #expect(
            found.map(\.base.description) == [
                "https://mirror.example.net:8443/v2", "http://10.0.0.1/sub/v2", "https://10.0.0.2:5000/v2",
                "https://example.org/v2",
            ])
        let first = try #require(found.first)
        #expect(first.tls.authorities == scratch("certs.d/example.org/ca.pem"))
        #expect(first.tls.certificate == "/c/one.cert" && first.tls.key == scratch("certs.d/example.org/one.key"))
        #expect(first.tls.skipsVerification && !first.resolves && first.mirrored == "example.org")
        #expect(first.headers == ["x-one: 1", "x-more: 2", "x-more: 3"])
        #expect(found[1].resolves)
        #expect(found.last?.mirrored == nil)
    }

    @Test("may take the TLS of the registry itself away; it is told credentials all the same")
    func plain() throws {
        let found = try hosts(#"[host."http://example.org:5000"]"#, of: "example.org:5000")
        #expect(found.map(\.base.description) == ["http://example.org:5000/v2", "https://example.org:5000/v2"])
        #expect(found.map(\.mirrored) == [nil, nil])
        let own = try hosts(#"server = "http://example.org:5000""#, of: "example.org:5000")
        #expect(own.map(\.base.description) == ["http://example.org:5000/v2"])
    }

    @Test("is looked for as containerd does")
    func places() throws {
        #expect(RegistryHosts.names(of: "a.org:5000") == ["a.org_5000_", "a.org:5000", "_default"])
        #expect(RegistryHosts.names(of: "../x") == [] && RegistryHosts.names(of: "..") == [])
        #expect(try RegistryHosts(nil).hosts(of: "a.org").count == 1)
        try scratch.write("certs.d/_default/hosts.toml", #"[host."https://m.org"]"#)
        let found = try RegistryHosts(scratch("certs.d")).hosts(of: "a.org")
        #expect(found.map(\.base.host) == ["m.org", "a.org"])
    }

    @Test(
        "is refused when it is wrong",
        arguments: [
            "server = 1", #"[host."ftp://x"]"# + "\nca = 'x'", "[[host]]", "[host.'https://x']\nca = ['a', 'b']",
            "[host.'https://x']\nskip_verify = 'yes'", "[host.'https://x']\nclient = [['a', 'b', 'c']]",
            "[host.'https://x'.header]\na = \"b\\nc\"", "[host.'https://x'", "capabilities = [1]",
            "server = 'https://a b'",
        ])
    func mistakes(text: String) throws {
        #expect(throws: ImageError.self) { try hosts(text) }
    }

    @Test("leads to mirrors first, which are told no secret, and to the registry when they fail")
    func fallback() async throws {
        let image = FakeImage(file: "hello", "there")
        let broken = try FakeRegistry { _ in .status(404) }
        let mirror = try FakeRegistry { request in
            request.path.contains("/2?") ? .status(503, "Retry-After: 3600") : image.response(request)
        }
        let other = FakeImage(file: "other", "x")
        let registry = try FakeRegistry { request in
            var first = request
            first.path = request.path.replacing("/manifests/2", with: "/manifests/1")
            guard request.headers["authorization"] != nil else {
                return .status(401, #"WWW-Authenticate: Basic realm="x""#)
            }
            return other.response(first)
        }
        try scratch.write(
            "certs.d/\(registry.host)/hosts.toml",
            "[host.'http://\(broken.host)']\n[host.'http://\(broken.host)'.header]\nx-a = 'b'\n[host.'http://\(mirror.host)']\nskip_verify = false"
        )
        var settings = ImageStoreSettings()
        settings.registryDirectory = scratch("certs.d")
        let store = try ImageStore(directory: scratch("images"), settings: settings, logger: Logger(label: "test"))
        let credentials = RegistryCredentials.password(user: "u", password: "p")
        let source = PullSource(registry: registry.host, repository: "app", tag: "1")
        let pulled = try await store.pull(source, credentials: credentials)
        #expect(pulled.id == image.id && pulled.repoTags == ["\(registry.host)/app:1"])
        #expect(registry.requests.isEmpty && broken.requests.count == 1)
        #expect(
            broken.requests[0].path == "/v2/app/manifests/1?ns=127.0.0.1%3A\(registry.host.split(separator: ":")[1])")
        #expect(broken.requests[0].headers["x-a"] == "b")
        let second = PullSource(registry: registry.host, repository: "app", tag: "2")
        #expect(try await store.pull(second, credentials: credentials).id == other.id)
        #expect((broken.requests + mirror.requests).allSatisfy { $0.headers["authorization"] == nil })
    }

    @Test("says which certificate to trust, and without it none is")
    func certificates() async throws {
        let (file, key) = (scratch("cert.pem"), scratch("key.pem"))
        try await output(
            "/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "2", "-subj", "/CN=fender", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", file)
        let registry = try await RealRegistry(scratch, certificate: (file, key))
        defer { registry.stop() }
        let archive = try scratch.write("saved.tar", dockerArchive(FakeImage(file: "hello", "there").layers))
        try await output(
            "/usr/bin/skopeo", "copy", "--insecure-policy", "--dest-tls-verify=false", "docker-archive:\(archive)",
            "docker://\(registry.host)/app:1")
        let source = PullSource(registry: registry.host, repository: "app", tag: "1")
        var settings = ImageStoreSettings()
        settings.registryDirectory = scratch("certs.d")
        let store = try ImageStore(directory: scratch("images"), settings: settings, logger: Logger(label: "test"))
        let server = "server = 'https://\(registry.host)'\n"
        for (line, succeeds) in [("", false), ("ca = '\(file)'", true), ("skip_verify = true", true), ("", false)] {
            try scratch.write("certs.d/\(registry.host)/hosts.toml", server + line)
            if succeeds {
                #expect(try await store.pull(source).repoTags == ["\(registry.host)/app:1"])
            } else {
                let error = await #expect(throws: ImageError.self) { try await store.pull(source) }
                #expect(error?.code == .registryUnavailable, "\(error?.description ?? "")")
            }
        }
    }
}
