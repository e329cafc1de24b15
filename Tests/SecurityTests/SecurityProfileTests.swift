import Security
import Testing

@Suite("Security profiles")
struct SecurityProfileTests {
    @Test(
        "the new field, else the old one, else the default",
        arguments: [
            (nil, "", "", .unconfined, .runtimeDefault), (0, "", "unconfined", .runtimeDefault, .runtimeDefault),
            (1, "", "runtime/default", .unconfined, .unconfined),
            (2, "/p.json", "", .localhost("/p.json"), .localhost("/p.json")),
            (2, "localhost/p", "", .localhost("p"), .localhost("p")),
            (nil, "", "runtime/default", .runtimeDefault, .runtimeDefault),
            (nil, "", "docker/default", .runtimeDefault, .runtimeDefault),
            (nil, "", "unconfined", .unconfined, .unconfined),
            (nil, "", "localhost//a/b", .localhost("/a/b"), .localhost("/a/b")),
        ] as [(Int?, String, String, SecurityProfile, SecurityProfile)])
    func chosen(
        kind: Int?, reference: String, deprecated: String, seccomp: SecurityProfile, appArmor: SecurityProfile
    ) throws {
        #expect(
            try SecurityProfile.seccomp(kind: kind, localhostRef: reference, deprecated: deprecated, privileged: false)
                == seccomp)
        #expect(
            try SecurityProfile.appArmor(kind: kind, localhostRef: reference, deprecated: deprecated, privileged: false)
                == appArmor)
        #expect(
            try SecurityProfile.seccomp(kind: kind, localhostRef: reference, deprecated: deprecated, privileged: true)
                == .unconfined)
    }

    @Test(
        "malformed choices are refused",
        arguments: [
            (3, "", ""), (-1, "", ""), (2, "", ""), (2, "localhost/", ""), (2, "a\nb", ""), (0, "x", ""), (1, "x", ""),
            (nil, "", "localhost/"), (nil, "", "nonsense"), (nil, "", "Unconfined"),
        ] as [(Int?, String, String)])
    func refused(kind: Int?, reference: String, deprecated: String) {
        #expect(throws: SecurityError.self) {
            try SecurityProfile.seccomp(kind: kind, localhostRef: reference, deprecated: deprecated, privileged: false)
        }
        #expect(throws: SecurityError.self) {
            try SecurityProfile.appArmor(kind: kind, localhostRef: reference, deprecated: deprecated, privileged: false)
        }
    }
}
