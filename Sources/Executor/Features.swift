public import OCI
internal import Security

/// What `features` prints (features.md): what this executor implements.
public enum Features {
    /// The document.
    public static var json: JSON {
        func strings(_ values: [String]) -> JSON { .array(values.map { .string($0) }) }
        let yes = JSON.bool(true)
        let no = JSON.bool(false)
        return .compact([
            ("ociVersionMin", .string("1.0.0")), ("ociVersionMax", .string("1.2.0")),
            (
                "hooks",
                strings(["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"])
            ),
            ("mountOptions", strings(MountOptions.names)),
            (
                "linux",
                .compact([
                    ("namespaces", strings(LinuxSpec.Namespace.Kind.allCases.map { $0.rawValue }.sorted())),
                    ("capabilities", strings(Capabilities.names)),
                    (
                        "cgroup",
                        .compact([
                            ("v1", yes), ("v2", yes), ("systemd", yes), ("systemdUser", no), ("rdma", yes),
                        ])
                    ),
                    (
                        "seccomp",
                        .compact([
                            ("enabled", yes), ("actions", strings(SeccompCompiler.actions)),
                            ("operators", strings(SeccompCompiler.operators)),
                        ])
                    ),
                    ("apparmor", .compact([("enabled", yes)])), ("selinux", .compact([("enabled", yes)])),
                    ("intelRdt", .compact([("enabled", no)])),
                    ("mountExtensions", .compact([("idmap", .compact([("enabled", yes)]))])),
                ])
            ),
        ])
    }
}

extension MountOptions {
    static var names: [String] {
        let own = ["bind", "rbind", "tmpcopyup", "idmap", "ridmap", "defaults"]
        let recursive = attributes.keys.map { "r\($0)" }
        return (own + attributes.keys + recursive + propagations.keys).sorted()
    }
}

extension SeccompCompiler {
    static let actions = [
        "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD",
        "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP",
    ]
    static let operators = [
        "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE",
    ]
}
