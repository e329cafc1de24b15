"""containerd with fender-oci as the binary of its runc shim: what ctr shows is what it shows of runc."""

import json
import os
import pathlib
import pty
import subprocess

import pytest

from harness.process import Daemon
from harness.waiting import until

# Once is enough: no server of the CRI has a part in it.
pytestmark = [pytest.mark.docker, pytest.mark.fender]
NAMESPACE = "fender-test"


class Containerd:
    """A containerd of its own, whose containers have the root file system of this test."""

    def __init__(self, work, program):
        self.work, self.program = work, program
        self.socket = work / "containerd.sock"
        self.root = work / "rootfs"
        configuration = work / "config.toml"
        configuration.write_text(f"""
            version = 2
            root = "{work}/data"
            state = "{work}/state"
            disabled_plugins = ["io.containerd.grpc.v1.cri"]
            [grpc]
            address = "{self.socket}"
        """)
        self.daemon = Daemon("containerd", work, ["containerd", "--config", configuration],
                             ready=lambda: self.ctr("version", check=False).returncode == 0)
        (self.root / "bin").mkdir(parents=True)
        subprocess.run(["cp", "/bin/busybox", self.root / "bin/busybox"], check=True)
        for name in ("sh", "sleep", "cat", "grep", "tty", "id", "hostname", "tail", "true"):
            os.link(self.root / "bin/busybox", self.root / "bin" / name)

    def ctr(self, *arguments, check=True, **options):
        return subprocess.run(["ctr", "--address", self.socket, "--namespace", NAMESPACE, *map(str, arguments)],
                              capture_output=True, text=True, check=check, timeout=60, **options)

    def run(self, *arguments, flags=(), check=True, **options):
        """Runs a command in a container named c."""
        binary = ["--runc-binary", self.program, "--runc-root", self.work / "runc"]
        return self.ctr("run", *binary, "--cgroup", f"/{self.cgroup}/c", *flags, "--rootfs", self.root, "c",
                        *arguments, check=check, **options)

    @property
    def cgroup(self):
        return f"{self.work.parent.name}/containerd"


@pytest.fixture(scope="module")
def containerd(request, work):
    program = pathlib.Path(request.config.getoption("--fender")).resolve().with_name("fender-oci")
    if not program.exists():
        pytest.skip(f"{program} is not built")
    own = work / "shim"
    own.mkdir()
    containerd = Containerd(own, program)
    containerd.daemon.start()
    yield containerd
    containerd.daemon.stop()


@pytest.fixture(autouse=True)
def leaves_nothing(containerd):
    yield
    assert containerd.ctr("container", "ls", "-q").stdout == ""
    assert containerd.ctr("task", "ls", "-q").stdout == ""
    root = containerd.work / "runc" / NAMESPACE
    assert not [path for path in root.glob("*") if not path.name.startswith(".")]
    assert not [path for path in pathlib.Path("/sys/fs/cgroup").glob(f"*/{containerd.cgroup}/*") if path.is_dir()]
    until(lambda: not shims(containerd), what="the shims have ended")


def shims(containerd):
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"containerd-shim-runc-v2") and bytes(containerd.socket) in b" ".join(words):
            found.append(path)
    return found


@pytest.mark.parametrize("flags, script, status, output", [
    ((), "echo out; exit 7", 7, "out\n"),
    (("--memory-limit", 64 << 20), 
     "cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes 2>/dev/null || cat memory.max", 0, "67108864\n"),
    (("--seccomp",), "grep -E 'NoNewPrivs|Seccomp:' /proc/self/status", 0, "NoNewPrivs:\t1\nSeccomp:\t2\n"),
    (("--env", "A=B", "--cwd", "/bin"), "echo $A $PWD", 0, "B /bin\n"),
    (("--read-only",), "(: > /x) 2>/dev/null || echo ro", 0, "ro\n"),
    (("--cap-drop", "CAP_KILL"), "test $((0x$(grep CapEff /proc/self/status | busybox cut -f2) >> 5 & 1)) = 0 && echo no", 0,
     "no\n"),
])
def test_run(containerd, flags, script, status, output):
    mount = ("--mount", "type=cgroup,src=cgroup,dst=/sys/fs/cgroup,options=ro") if "--memory-limit" in flags else ()
    done = containerd.run("/bin/sh", "-c", script, flags=("--rm", *flags, *mount), check=False)
    assert (done.returncode, done.stdout) == (status, output), done.stderr


def test_what_cannot_run_is_told(containerd):
    done = containerd.run("/nope", flags=("--rm",), check=False)
    assert done.returncode != 0
    assert 'exec: "/nope": ' in done.stderr and "no such file or directory" in done.stderr


def test_a_running_task(containerd):
    containerd.run("/bin/sleep", "1000", flags=("--detach",))
    try:
        state = [containerd.program, "--root", containerd.work / "runc" / NAMESPACE, "state", "c"]
        assert json.loads(subprocess.check_output(state))["status"] == "running"
        command = ("task", "exec", "--exec-id", "e", "c", "/bin/sh", "-c")
        assert containerd.ctr(*command, "echo in; hostname >/dev/null; exit 5", check=False).returncode == 5
        assert containerd.ctr(*command, "cat", input="typed").stdout == "typed"
        containerd.ctr("task", "pause", "c")
        assert "PAUSED" in containerd.ctr("task", "ls").stdout
        containerd.ctr("task", "resume", "c")
        assert "RUNNING" in containerd.ctr("task", "ls").stdout
        assert "memory.usage_in_bytes" in containerd.ctr("task", "metrics", "c").stdout
        containerd.ctr("task", "kill", "--signal", "SIGKILL", "c")
        until(lambda: "STOPPED" in containerd.ctr("task", "ls").stdout, what="the task has stopped")
    finally:
        containerd.ctr("task", "rm", "--force", "c", check=False)
        containerd.ctr("container", "rm", "c", check=False)


def test_a_container_outlives_containerd(containerd):
    containerd.run("/bin/sleep", "1000", flags=("--detach",))
    try:
        containerd.daemon.stop(kill=True)
        containerd.daemon.start()
        assert "RUNNING" in containerd.ctr("task", "ls").stdout
    finally:
        containerd.ctr("task", "rm", "--force", "c", check=False)
        containerd.ctr("container", "rm", "c", check=False)


def test_terminal(containerd):
    ours, theirs = pty.openpty()
    command = ["ctr", "--address", containerd.socket, "--namespace", NAMESPACE, "run", "--rm", "--tty",
               "--runc-binary", containerd.program, "--runc-root", containerd.work / "runc",
               "--cgroup", f"/{containerd.cgroup}/c", "--rootfs", containerd.root, "c", "/bin/tty"]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    output = b""
    try:
        while chunk := os.read(ours, 4096):
            output += chunk
    except OSError:
        pass
    assert process.wait(30) == 0, output
    assert b"/dev/pts/0" in output
    os.close(ours)
