/// A root file system for test images: Debian's busybox-static, one hard link an applet.
public enum BusyboxImage {
    /// The tar archive.
    ///
    /// Throws ``DockerDaemon/Failure`` where busybox-static is not installed.
    public static func archive() throws -> [UInt8] {
        let script = """
            set -e
            ldd /bin/busybox >/dev/null 2>&1 && { echo 'busybox is not static; install busybox-static' >&2; exit 1; }
            dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
            mkdir -p "$dir/bin" "$dir/etc" "$dir/tmp" "$dir/proc" "$dir/sys" "$dir/dev"
            cp /bin/busybox "$dir/bin/busybox"
            /bin/busybox --list | while read -r name; do
                [ "$name" = busybox ] || ln "$dir/bin/busybox" "$dir/bin/$name"
            done
            echo 'root:x:0:0:root:/:/bin/sh' >"$dir/etc/passwd"
            echo 'root:x:0:' >"$dir/etc/group"
            tar -C "$dir" --sort=name --mtime=@0 --numeric-owner -cf - .
            """
        return try Program.run(["/bin/sh", "-c", script])
    }
}
