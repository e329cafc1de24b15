"""The images the tests run, made from busybox-static and small programs, and pushed to the registry."""

import gzip
import hashlib
import io
import json
import os
import pathlib
import platform
import subprocess
import tarfile

from .registry import OPEN
from .schema import pb

BUSYBOX = f"{OPEN}/busybox:1"
TWIN = f"{OPEN}/twin/busybox:other"  # the same image under another repository
SMALL = f"{OPEN}/small:1"  # nobody runs it: for pulling and removing
BIG = f"{OPEN}/big:1"  # 24 MiB that do not compress
DEFAULTS = f"{OPEN}/defaults:1"  # entrypoint, arguments, environment, directory, stop signal, labels
PAUSE = f"{OPEN}/pause:1"  # for servers that have none built in
VOLUME = f"{OPEN}/volume:1"  # files to mount
USERS = {
    "1002": f"{OPEN}/user-uid:1",
    "sailor": f"{OPEN}/user-name:1",
    "1003:1004": f"{OPEN}/user-uid-group:1",
    "sailor:1004": f"{OPEN}/user-name-group:1",
}

PASSWD = """\
root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/false
sailor:x:1000:1000::/home/sailor:/bin/sh
"""
GROUP = """\
root:x:0:
nogroup:x:65534:
sailor:x:1000:
crew:x:50000:sailor
"""
APPLETS = """
[ ash awk base64 basename cat chmod chown cp cut date dd df dirname du echo env expr false find free grep
head hexdump hostname httpd id ip kill killall ln ls md5sum mkdir mkfifo mknod mount mountpoint mv nc netstat nproc
nslookup od pidof ping printf ps pwd readlink rm rmdir sed seq setsid sh sleep sort stat stty sync tail tar tee test time
timeout touch tr true truncate umount uname uniq usleep wc wget which whoami xargs yes
""".split()

# Set-uid: prints whom it runs as.
WHOAMI = r"""
#include <stdio.h>
#include <unistd.h>
int main(void) { printf("%d\n", (int)geteuid()); return 0; }
"""

# Waits for a byte from the pipe GO, then uses exactly what it is told to, says so by making DONE, and stays.
PAYLOAD = r"""
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
static void burn(long milliseconds) {
	struct timespec now, start;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	do clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < milliseconds);
}
static void touch(size_t bytes) {
	memset(mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1, bytes);
}
static void write_file(const char *path, size_t bytes) {
	char block[4096];
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	memset(block, 7, sizeof block);
	for (; bytes; bytes -= sizeof block) if (write(file, block, sizeof block) < 0) exit(3);
	fsync(file);
}
static void write_through(const char *path, size_t bytes) {
	static char block[1 << 20] __attribute__((aligned(4096)));
	int file = open(path, O_WRONLY | O_CREAT | O_DIRECT, 0600);
	for (; bytes; bytes -= sizeof block) if (write(file, block, sizeof block) != sizeof block) exit(4);
}
static void send_packets(const char *address, long count) {
	char block[1000] = {0};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	int udp = socket(AF_INET, SOCK_DGRAM, 0);
	inet_pton(AF_INET, address, &to.sin_addr);
	while (count > 0) {
		count -= sendto(udp, block, sizeof block, 0, (struct sockaddr *)&to, sizeof to) > 0;
		usleep(100);
	}
}
int main(int argc, char **argv) {
	char byte;
	if (argc < 5 || read(open(argv[1], O_RDONLY), &byte, 1) != 1) return 2;
	if (!strcmp(argv[3], "burn")) burn(atol(argv[4]));
	if (!strcmp(argv[3], "touch")) touch(atol(argv[4]));
	if (!strcmp(argv[3], "write")) write_file(argv[5], atol(argv[4]));
	if (!strcmp(argv[3], "direct")) write_through(argv[5], atol(argv[4]));
	if (!strcmp(argv[3], "send")) send_packets(argv[5], atol(argv[4]));
	close(open(argv[2], O_CREAT | O_WRONLY, 0600));
	for (;;) pause();
}
"""


def architecture():
    return {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]


def build(registry, work):
    """Pushes all of them."""
    files = {
        **base_files(),
        "bin/effective-user": (compiled(work, "effective-user", WHOAMI), 0o4755),
        "bin/payload": (compiled(work, "payload", PAYLOAD), 0o755),
    }
    base = layer(files, links={f"bin/{applet}": "bin/busybox" for applet in APPLETS})
    shell = {"Cmd": ["/bin/sh"], "Env": ["PATH=/bin"]}
    push(registry, BUSYBOX, [base], shell)
    push(registry, TWIN, [base], shell)
    push(registry, SMALL, [layer({"small": (b"small\n", 0o644)})], {"Cmd": ["/small"]})
    push(registry, BIG, [layer({"big": (os.urandom(24 << 20), 0o644)}, level=0)], {"Cmd": ["/big"]})
    push(registry, VOLUME, [layer({"top": (b"top\n", 0o644), "sub/inner": (b"inner\n", 0o644)})], {})
    push(registry, PAUSE, [layer({"pause": (pause(work), 0o755)})], {"Entrypoint": ["/pause"], "User": "65535:65535"})
    push(registry, DEFAULTS, [base], {
        "Entrypoint": ["/bin/echo", "entry"], "Cmd": ["command"], "Env": ["PATH=/bin", "FROM_IMAGE=yes", "BOTH=image"],
        "WorkingDir": "/home/sailor", "StopSignal": "SIGUSR1", "Labels": {"of": "image"},
    })
    for user, name in USERS.items():
        push(registry, name, [base], {**shell, "User": user})


def base_files():
    with open("/bin/busybox" if os.path.exists("/bin/busybox") else "/usr/bin/busybox", "rb") as file:
        busybox = file.read()
    return {
        "bin/busybox": (busybox, 0o755),
        "etc/passwd": (PASSWD.encode(), 0o644),
        "etc/group": (GROUP.encode(), 0o644),
        "www/index.html": (b"Hello from the pod\n", 0o644),
        "home/sailor/": (b"", 0o755),
        "root/": (b"", 0o700),
        "tmp/": (b"", 0o1777),
    }


def compiled(work, name, source):
    program = f"{work}/{name}"
    subprocess.run(["gcc", "-static", "-Os", "-s", "-x", "c", "-o", program, "-"], input=source, text=True, check=True)
    with open(program, "rb") as file:
        return file.read()


def pause(work):
    program = f"{work}/pause"
    source = pathlib.Path(__file__).resolve().parents[3] / "packaging/pause/pause.c"
    flags = ["-Os", "-ffreestanding", "-fno-stack-protector", "-static", "-nostdlib"]
    subprocess.run(["gcc", *flags, "-o", program, source], check=True)
    return pathlib.Path(program).read_bytes()


def layer(files, links=None, level=6):
    """A tar, uncompressed and gzipped, of files `{path: (data, mode)}` and hard links `{path: target}`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, (data, mode) in files.items():
            member = tarfile.TarInfo(path.rstrip("/"))
            member.type = tarfile.DIRTYPE if path.endswith("/") else tarfile.REGTYPE
            member.size, member.mode = len(data), mode
            archive.addfile(member, io.BytesIO(data))
        for path, target in (links or {}).items():
            member = tarfile.TarInfo(path)
            member.type, member.linkname, member.mode = tarfile.LNKTYPE, target, 0o755
            archive.addfile(member)
    tar = buffer.getvalue()
    return tar, gzip.compress(tar, level, mtime=0)


def push(registry, name, layers, configuration):
    repository, tag = name.removeprefix(f"{OPEN}/").rsplit(":", 1)
    image = {
        "architecture": architecture(), "os": "linux", "created": "2020-01-01T00:00:00Z", "config": configuration,
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(tar).hexdigest() for tar, _ in layers]},
    }
    return registry.push(repository, tag, [packed for _, packed in layers], json.dumps(image).encode())


def pulled(client, image):
    client.PullImage(image=pb.ImageSpec(image=image))
    return image
