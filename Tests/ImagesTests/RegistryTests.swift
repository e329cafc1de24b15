import Glibc
import Linux
import Logging
import Synchronization
import TestScratch
import Testing

@testable import Images

/// Who is told which secret, and what registries cannot make us do.
@Suite("a registry")
struct RegistryTests {
    private let scratch: Scratch
    private let image = FakeImage(file: "hello", "there")

    init() throws { scratch = try Scratch() }

    private func pull(
        _ registry: FakeRegistry, _ credentials: RegistryCredentials? = nil, settings: ImageStoreSettings = .init()
    ) async throws -> StoredImage {
        let store = try ImageStore(directory: scratch("images"), settings: settings, logger: Logger(label: "test"))
        return try await store.pull(
            PullSource(registry: registry.host, repository: "app", tag: "1"), credentials: credentials)
    }

    private func refused(_ registry: FakeRegistry, _ code: ImageError.Code = .invalid) async throws {
        var settings = ImageStoreSettings()
        settings.documentLimit = 1 << 20
        settings.attempts = 2
        let error = await #expect(throws: ImageError.self) { try await pull(registry, settings: settings) }
        #expect(error?.code == code, "\(error?.description ?? "")")
        for place in ["blobs/sha256", "layers"] { #expect(try Files.names(in: scratch("images/\(place)")) == []) }
        #expect(try Files.names(in: scratch("images/tmp")).allSatisfy { $0.hasPrefix("partial-") })
    }

    // printf user:pass:word | base64
    static let basic = "Basic dXNlcjpwYXNzOndvcmQ="
    static let password = RegistryCredentials.password(user: "user", password: "pass:word")

    @Test("may want a name and a password")
    func basic() async throws {
        let registry = try FakeRegistry { [image] request in
            request.headers["authorization"] == Self.basic
                ? image.response(request) : .status(401, #"WWW-Authenticate: Basic realm="x""#)
        }
        #expect(try await pull(registry, Self.password).id == image.id)
        #expect(registry.requests.filter { $0.headers["authorization"] == nil }.count == 1)
    }

    @Test("that refuses a password is not asked again and again")
    func wrongPassword() async throws {
        let registry = try FakeRegistry { _ in .status(401, #"WWW-Authenticate: Basic realm="x""#) }
        let error = await #expect(throws: ImageError.self) { try await pull(registry, Self.password) }
        #expect(error?.code == .unauthorized)
        #expect(registry.requests.count == 2)
    }

    @Test(
        "may want a token, which may end",
        arguments: [nil, password, .identityToken("refresh me")] as [RegistryCredentials?])
    func bearer(credentials: RegistryCredentials?) async throws {
        let issued = Atomic(0)
        let tokens = try FakeRegistry { request in
            let number = issued.add(1, ordering: .relaxed).newValue
            return .init(body: Array(#"{"token":"token-\#(number)","expires_in":300}"#.utf8))
        }
        let served = Atomic(0)
        let registry = try FakeRegistry { [image] request in
            // The first token is good for one request only.
            let good = request.headers["authorization"] == "Bearer token-\(issued.load(ordering: .relaxed))"
            if good && (issued.load(ordering: .relaxed) > 1 || served.add(1, ordering: .relaxed).newValue == 1) {
                return image.response(request)
            }
            return .status(
                401,
                #"Www-Authenticate: Bearer realm="http://\#(tokens.host)/token",service="a b",scope="repository:app:pull""#
            )
        }
        #expect(try await pull(registry, credentials).id == image.id)
        let asked = try #require(tokens.requests.first)
        switch credentials {
        case nil: #expect(asked.headers["authorization"] == nil)
        case .password: #expect(asked.headers["authorization"] == Self.basic)
        default:
            #expect(asked.method == "POST" && asked.body.contains("grant_type=refresh_token"))
            #expect(asked.body.contains("refresh_token=refresh%20me") && asked.body.contains("service=a%20b"))
        }
        if credentials == nil { #expect(asked.path == "/token?scope=repository%3Aapp%3Apull&service=a%20b") }
        #expect(tokens.requests.count == 2)
        #expect(registry.requests.allSatisfy { $0.headers["authorization"] != Self.basic })
    }

    @Test("may take a token that we have")
    func registryToken() async throws {
        let registry = try FakeRegistry { [image] request in
            request.headers["authorization"] == "Bearer mine"
                ? image.response(request) : .status(401, #"WWW-Authenticate: Bearer realm="http://127.0.0.1:1/""#)
        }
        #expect(try await pull(registry, .registryToken("mine")).id == image.id)
    }

    @Test("that leads elsewhere for a blob takes no secret there", arguments: [301, 302, 303, 307, 308])
    func redirect(status: Int) async throws {
        let storage = try FakeRegistry { [image] request in
            var plain = request
            plain.path = "/v2/app/blobs/" + request.path.dropFirst("/storage/".count)
            return image.response(plain)
        }
        let registry = try FakeRegistry { [image] request in
            if request.headers["authorization"] != Self.basic {
                return .status(401, #"WWW-Authenticate: Basic realm="x""#)
            }
            guard request.path.contains("/blobs/") else { return image.response(request) }
            let digest = request.path.split(separator: "/").last ?? ""
            return .status(status, "Location: http://\(storage.host)/storage/\(digest)")
        }
        #expect(try await pull(registry, Self.password).id == image.id)
        #expect(storage.requests.count == 2)
        #expect(storage.requests.allSatisfy { $0.headers["authorization"] == nil })
    }

    @Test("that leads in a circle is left")
    func redirectLoop() async throws {
        let registry = try FakeRegistry { .status(302, "Location: \($0.path)") }
        try await refused(registry)
        #expect(registry.requests.count <= 12)
    }

    @Test(
        "that leads to other protocols is left",
        arguments: [
            "file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/", "//", "http://u:p@127.0.0.1/",
            "http://a b/",
        ])
    func redirectScheme(location: String) async throws {
        try await refused(try FakeRegistry { _ in .status(302, "Location: \(location)") })
    }

    static let hostile: [String: @Sendable (FakeImage, FakeRegistry.Request) -> FakeRegistry.Response?] = [
        "a manifest without end": { _, request in
            request.path.contains("/manifests/")
                ? .init(body: [UInt8](repeating: 0x20, count: 4096), isEndless: true) : nil
        },
        "a huge manifest": { _, request in
            request.path.contains("/manifests/") ? .init(body: [UInt8](repeating: 0x20, count: 2 << 20)) : nil
        },
        "a manifest of another digest": { image, request in
            request.path.contains("/manifests/")
                ? .init(headers: ["Docker-Content-Digest: \(Digest(of: [1]))"], body: image.manifest) : nil
        },
        "a manifest that is an index too": { image, request in
            guard request.path.contains("/manifests/") else { return nil }
            return .init(body: Array(#"{"manifests":[],"#.utf8) + image.manifest.dropFirst())
        },
        "a manifest by another name": { image, request in
            request.path.contains("/manifests/")
                ? .init(headers: ["Content-Type: \(MediaType.index)"], body: image.manifest) : nil
        },
        "deep JSON": { _, request in
            request.path.contains("/manifests/") ? .init(body: [UInt8](repeating: 0x5b, count: 1 << 20)) : nil
        },
        "blobs of another digest": { image, request in
            guard request.path.contains("/blobs/") else { return nil }
            var response = image.response(request)
            if !response.body.isEmpty { response.body[0] ^= 1 }
            return response
        },
        "blobs without end": { image, request in
            request.path.contains("/blobs/") ? .init(body: [UInt8](repeating: 0, count: 4096), isEndless: true) : nil
        },
        "an error without end": { _, _ in
            .init(
                status: 500, headers: ["Retry-After: 0"], body: [UInt8](repeating: 0x41, count: 4096), isEndless: true)
        },
        "a refusal without end": { _, _ in
            .init(
                status: 401, headers: [#"WWW-Authenticate: Basic realm="x""#],
                body: [UInt8](repeating: 0x41, count: 4096), isEndless: true)
        },
        "a head without end": { _, _ in
            .init(headers: (0..<200).map { "X-\($0): " + String(repeating: "a", count: 2_000) })
        },
    ]

    @Test("cannot harm by", arguments: hostile.keys.sorted())
    func hostileAnswers(kind: String) async throws {
        let answer = try #require(Self.hostile[kind])
        let registry = try FakeRegistry { [image] request in answer(image, request) ?? image.response(request) }
        try await refused(registry)
    }

    @Test("that wants a password sent elsewhere in the clear is refused")
    func realmDowngrade() throws {
        #expect(Challenge(#"Bearer realm="http://evil/""#) == .bearer(realm: "http://evil/", service: nil, scope: nil))
        #expect(try RegistryHost(registry: "example.org").base.scheme == "https")
        #expect(try RegistryHost(registry: "docker.io").base.description == "https://registry-1.docker.io/v2")
        for name in ["localhost:5000", "127.0.0.1", "[::1]:5000", "127.3.4.5:80"] {
            #expect(try RegistryHost(registry: name).base.scheme == "http")
        }
        for name in ["127.0.0.1.evil.org", "localhost.evil.org"] {
            #expect(try RegistryHost(registry: name).base.scheme == "https")
        }
    }

    @Test(
        "asks in words that we understand",
        arguments: [
            (
                #"Bearer realm="https://a/t?x=1",service="s",scope="repository:a/b:pull,push""#,
                Challenge.bearer(realm: "https://a/t?x=1", service: "s", scope: "repository:a/b:pull,push")
            ),
            (#"bearer service=s , realm="https://a\"b/""#, .bearer(realm: #"https://a"b/"#, service: "s", scope: nil)),
            ("BASIC", .basic), (#"Basic realm="x""#, .basic), ("Bearer", nil), ("Negotiate abc", nil), ("", nil),
            (#"Bearer realm="unfinished"#, .bearer(realm: "unfinished", service: nil, scope: nil)),
            ("Bearer =,=\"", nil),
        ] as [(String, Challenge?)])
    func challenges(text: String, challenge: Challenge?) {
        #expect(Challenge(text) == challenge)
    }
}
