internal import CExecutor
internal import Glibc
internal import OCI

extension PlanBuilder {
    /// Whether /dev is ours to fill: not when it is a bind of somebody's.
    var needsDevices: Bool {
        spec.mounts.allSatisfy { mount in
            let path = mount.destination.split(separator: "/").joined(separator: "/")
            return path != "dev" || !(mount.type == "bind" || MountOptions(mount.options).isBind)
        }
    }

    private static let defaults: [(path: String, major: UInt64, minor: UInt64)] = [
        ("/dev/null", 1, 3), ("/dev/random", 1, 8), ("/dev/full", 1, 7), ("/dev/tty", 5, 0), ("/dev/zero", 1, 5),
        ("/dev/urandom", 1, 9),
    ]

    /// Device nodes and links (config-linux.md, "default devices", and runtime-linux.md, "dev symbolic links").
    mutating func addDevices() {
        let bind: UInt64 = isInUserNamespace ? 1 : 0
        let listed = Set(spec.linux.devices.map(\.path))
        for device in Self.defaults where !listed.contains(device.path) {
            writer.step(
                FENDER_DEVICE, [UInt64(S_IFCHR) | 0o666, device.major, device.minor, 0, 0, bind], [device.path])
        }
        for device in spec.linux.devices {
            let kind = device.type == "b" ? S_IFBLK : device.type == "p" ? S_IFIFO : S_IFCHR
            writer.step(
                FENDER_DEVICE,
                [
                    UInt64(kind) | UInt64(device.mode & 0o7777), UInt64(bitPattern: device.major),
                    UInt64(bitPattern: device.minor), UInt64(device.uid), UInt64(device.gid),
                    device.type == "p" ? 0 : bind,
                ], [device.path])
        }
        let links = [
            ("/proc/self/fd", "/dev/fd"), ("/proc/self/fd/0", "/dev/stdin"), ("/proc/self/fd/1", "/dev/stdout"),
            ("/proc/self/fd/2", "/dev/stderr"), ("pts/ptmx", "/dev/ptmx"),
        ]
        for (target, link) in links { writer.step(FENDER_SYMLINK, [], [target, link]) }
        if access("/proc/kcore", F_OK) == 0 { writer.step(FENDER_SYMLINK, [], ["/proc/kcore", "/dev/core"]) }
    }

    mutating func addTerminal(_ process: Process, bindConsole: Bool) throws {
        guard let socket = setting.consoleSocket else {
            throw ExecutorError("process.terminal needs a console socket")
        }
        writer.step(
            FENDER_TERMINAL,
            [
                UInt64(socket), UInt64(process.consoleSize?.height ?? 0), UInt64(process.consoleSize?.width ?? 0),
                UInt64(process.uid), bindConsole ? 1 : 0,
            ])
    }
}
