internal import Glibc
internal import Linux
internal import OCI

/// A device of the host's as a container gets it.
struct HostDevice {
    /// In the container.
    var path: String
    /// "b" or "c".
    var type: String
    var major: Int64
    var minor: Int64
    var mode: UInt32
    var uid: UInt32
    var gid: UInt32
    var permissions: String

    var json: JSON {
        .compact([
            ("path", .string(path)), ("type", .string(type)), ("major", .integer(major)), ("minor", .integer(minor)),
            ("fileMode", .integer(mode)), ("uid", .integer(uid)), ("gid", .integer(gid)),
        ])
    }

    /// The device at a path, or all below a directory.
    static func find(_ path: String, as target: String, _ permissions: String) -> [HostDevice] {
        var status = stat()
        guard stat(path, &status) == 0 else { return [] }
        let kind = status.st_mode & S_IFMT
        if kind == S_IFDIR {
            let names = (try? Files.names(in: path)) ?? []
            return names.flatMap { find("\(path)/\($0)", as: "\(target)/\($0)", permissions) }
        }
        guard kind == S_IFBLK || kind == S_IFCHR else { return [] }
        let number = DeviceNumber(status.st_rdev)
        return [
            HostDevice(
                path: target, type: kind == S_IFBLK ? "b" : "c", major: Int64(number.major),
                minor: Int64(number.minor), mode: status.st_mode & 0o7777, uid: status.st_uid, gid: status.st_gid,
                permissions: permissions)
        ]
    }

    /// All of the host's, for a privileged container, but what belongs to one container or terminal.
    static func all() -> [HostDevice] {
        let left = ["pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev", "console"]
        let names = ((try? Files.names(in: "/dev")) ?? []).filter { !left.contains($0) }
        return names.flatMap { name -> [HostDevice] in
            var status = stat()
            // A link such as /dev/core or /dev/stdin is not followed.
            guard lstat("/dev/\(name)", &status) == 0, status.st_mode & S_IFMT != S_IFLNK else { return [] }
            return find("/dev/\(name)", as: "/dev/\(name)", "rwm")
        }
    }
}
