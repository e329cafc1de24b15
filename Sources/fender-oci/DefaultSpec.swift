internal import OCI

/// The config.json that `spec` writes: a shell in a read-only root file system.
enum DefaultSpec {
    static var json: JSON {
        .compact([
            ("ociVersion", .string("1.2.0")), ("process", process),
            ("root", .compact([("path", .string("rootfs")), ("readonly", .bool(true))])),
            ("hostname", .string("fender")), ("mounts", mounts), ("linux", linux),
        ])
    }

    private static func strings(_ values: String...) -> JSON { .array(values.map { .string($0) }) }

    private static var process: JSON {
        let capabilities = strings("CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE")
        return .compact([
            ("terminal", .bool(true)), ("user", .compact([("uid", .integer(0)), ("gid", .integer(0))])),
            ("args", strings("sh")),
            ("env", strings("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm")),
            ("cwd", .string("/")),
            ("capabilities", .compact(["bounding", "effective", "permitted"].map { ($0, capabilities) })),
            (
                "rlimits",
                .array([
                    .compact([("type", .string("RLIMIT_NOFILE")), ("hard", .integer(1024)), ("soft", .integer(1024))])
                ])
            ),
            ("noNewPrivileges", .bool(true)),
        ])
    }

    private static var mounts: JSON {
        func mount(_ destination: String, _ type: String, _ source: String, _ options: String...) -> JSON {
            .compact([
                ("destination", .string(destination)), ("type", .string(type)), ("source", .string(source)),
                ("options", .array(options.map { .string($0) })),
            ])
        }
        return .array([
            mount("/proc", "proc", "proc"),
            mount("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
            mount(
                "/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"
            ),
            mount("/dev/shm", "tmpfs", "shm", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k"),
            mount("/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev"),
            mount("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "ro"),
            mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid", "noexec", "nodev", "relatime", "ro"),
        ])
    }

    private static var linux: JSON {
        let namespaces = ["pid", "network", "ipc", "uts", "mount", "cgroup"]
        return .compact([
            (
                "resources",
                .compact([
                    ("devices", .array([.compact([("allow", .bool(false)), ("access", .string("rwm"))])]))
                ])
            ),
            ("namespaces", .array(namespaces.map { .compact([("type", .string($0))]) })),
            (
                "maskedPaths",
                strings(
                    "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
                    "/proc/timer_list",
                    "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi")
            ),
            ("readonlyPaths", strings("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")),
        ])
    }
}
