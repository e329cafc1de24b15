import Testing

@testable import Runtime

struct ImageReferenceTests {
    static let digest = "sha256:" + String(repeating: "a1", count: 32)

    @Test(arguments: [
        ("busybox", "docker.io/library/busybox:latest"),
        ("busybox:1.36", "docker.io/library/busybox:1.36"),
        ("user/app", "docker.io/user/app:latest"),
        ("docker.io/library/busybox", "docker.io/library/busybox:latest"),
        ("index.docker.io/busybox", "docker.io/library/busybox:latest"),
        ("localhost/app:v1", "localhost/app:v1"),
        ("127.0.0.1:5000/a/b:c", "127.0.0.1:5000/a/b:c"),
        ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10"),
        ("gcr.io/x/y@\(digest)", "gcr.io/x/y@\(digest)"),
        ("gcr.io/x/y:tag@\(digest)", "gcr.io/x/y@\(digest)"),
    ])
    func namesAreWrittenInFull(written: String, full: String) throws {
        #expect(try #require(ImageReference(written)).description == full)
    }

    @Test(arguments: [
        "", "UPPER", "a b", "a:b:c", "a@sha256:12", "a@", ":tag", "a/", "/a", "a//b", "-a", "a:-tag", "a\n", "a@md5:zz",
        String(repeating: "a", count: 300), "a:" + String(repeating: "t", count: 129),
    ])
    func brokenNamesAreRefused(written: String) {
        #expect(ImageReference(written) == nil)
    }
}
