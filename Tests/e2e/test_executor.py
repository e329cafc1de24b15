"""Docker with fender-oci as its runtime: what a person sees is what runc shows."""

import json
import os
import pathlib
import pty
import subprocess
import time

import pytest

from harness.docker import Docker, may_raise_limits
from harness.waiting import until

pytestmark = [pytest.mark.docker, pytest.mark.fender]
IMAGE = "executor-busybox"


class FenderDocker(Docker):
    """A dockerd of its own whose containers fender-oci makes; `runc` stays for comparison."""

    def __init__(self, work, program):
        self.program = program
        super().__init__(work, f"{work.parent.name}", live_restore=False)

    def _configuration(self):
        file = self.root / "daemon.json"
        file.write_text(json.dumps({
            "runtimes": {"fender": {"path": str(self.program)}}, "default-runtime": "fender"}))
        return file


@pytest.fixture(scope="module")
def program(request):
    path = pathlib.Path(request.config.getoption("--fender")).resolve().with_name("fender-oci")
    if not path.exists():
        pytest.skip(f"{path} is not built")
    return path


@pytest.fixture(scope="module")
def engine(work, program, tmp_path_factory):
    own = work / "executor"
    own.mkdir()
    engine = FenderDocker(own, program)
    engine.daemon.start()
    root = tmp_path_factory.mktemp("root")
    (root / "bin").mkdir()
    subprocess.run(["cp", "/bin/busybox", root / "bin/busybox"], check=True)
    for name in subprocess.check_output(["/bin/busybox", "--list"], text=True).split():
        if name != "busybox":
            os.link(root / "bin/busybox", root / "bin" / name)
    tar = subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE)
    engine.run("import", "-", IMAGE, stdin=tar.stdout)
    assert tar.wait() == 0
    yield engine
    engine.daemon.stop()


@pytest.fixture
def leaves_nothing(engine, work):
    """No cgroup, state, mount or process is left of what the test made."""
    def remains():
        states = [path for path in (engine.root / "exec").glob("runtime-*/*/*") if not path.name.startswith(".")]
        cgroups = [path for path in pathlib.Path("/sys/fs/cgroup").glob(f"*/{work.name}/*") if path.is_dir()]
        return states, cgroups, engine("ps", "-aq"), pathlib.Path("/proc/mounts").read_text().count("/merged")
    before = remains()
    yield
    until(lambda: remains() == before, timeout=20, what="what the containers were is gone")


RUNS = {
    "exit status": (["--network", "host"], "exit 3", 3, ""),
    "limits": (["--memory", "64m", "--cpus", "0.5", "--pids-limit", "20"], """
        cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/pids/pids.max
        """, 0, "67108864\n50000\n20"),
    "capabilities": (["--cap-drop", "all", "--cap-add", "net_raw"], "grep CapEff /proc/self/status", 0,
                     "CapEff:\t0000000000002000"),
    "read-only": (["--read-only", "--tmpfs", "/t:size=1m"], "touch /x 2>/dev/null || touch /t/x && echo ok", 0, "ok"),
    "user": (["--user", "1000:1001", "--group-add", "7"], "id -u; id -g; id -G; echo >/dev/stderr", 0,
             "1000\n1001\n1001 7"),
    "ulimit": (["--ulimit", "nofile=100:200"], "ulimit -n; ulimit -Hn", 0, "100\n200"),
    "sysctl": (["--sysctl", "kernel.msgmax=9999"], "cat /proc/sys/kernel/msgmax", 0, "9999"),
    "no new privileges": (["--security-opt", "no-new-privileges"], "grep -E 'NoNewPrivs|Seccomp:' /proc/self/status", 0,
                          "NoNewPrivs:\t1\nSeccomp:\t2"),
    "seccomp": ([], "grep Seccomp: /proc/self/status; unshare -U true 2>/dev/null || echo denied", 0,
                "Seccomp:\t2\ndenied"),
    "unconfined": (["--security-opt", "seccomp=unconfined"], "grep Seccomp: /proc/self/status", 0, "Seccomp:\t0"),
    "init": (["--init"], "cat /proc/1/comm", 0, "docker-init"),
    "names and directory": (["-h", "myhost", "-w", "/a/b", "-e", "X=Y"], "hostname; pwd; echo $X", 0, "myhost\n/a/b\nY"),
    "host namespaces": (["--pid", "host", "--uts", "host", "--ipc", "host"], "test $$ -ne 1 && echo not the first", 0, "not the first"),
    "masked": ([], "ls /sys/firmware | wc -l; cat /proc/timer_list | wc -c", 0, "0\n0"),
    "devices": ([], "ls -l /dev/null /dev/fd | cut -c1-10; mknod /tmp-b b 8 0 && (: < /tmp-b) 2>/dev/null || echo denied",
                0, "lrwxrwxrwx\ncrw-rw-rw-\ndenied"),
    "out of memory": (["--memory", "20m", "--memory-swap", "20m"], "x=$(head -c 60000000 /dev/zero | tr '\\0' a)", 137, ""),
}


@pytest.mark.parametrize("case", RUNS)
def test_run(engine, leaves_nothing, case):
    flags, script, status, output = RUNS[case]
    flags = flags if "--network" in flags else [*flags, "--network", "none"]
    result = engine.run("run", "--rm", *flags, IMAGE, "sh", "-c", script, check=False)
    assert (result.returncode, result.stdout.strip()) == (status, output), result.stderr


def test_privileged(engine, leaves_nothing):
    # What the machine cannot grant is left out; runc refuses the whole container.
    script = "grep CapEff /proc/self/status; ls /dev | wc -l"
    capabilities, devices = engine("run", "--rm", "--privileged", "--network", "none", IMAGE, "sh", "-c", script).split("\n")
    mask = int(capabilities.split()[1], 16)
    assert mask >> 21 & 1 and (mask >> 24 & 1) == may_raise_limits()
    assert int(devices) > 15


@pytest.mark.parametrize("command, status, text", [
    (["/nope"], 127, 'exec: "/nope": no such file or directory'),
    (["nope"], 127, 'exec: "nope": executable file not found in $PATH'),
    (["/bin"], 126, 'exec: "/bin": is a directory'),
])
def test_a_command_that_cannot_run(engine, leaves_nothing, command, status, text):
    result = engine.run("run", "--rm", "--network", "none", IMAGE, *command, check=False)
    reference = engine.run("run", "--rm", "--network", "none", "--runtime", "runc", IMAGE, *command, check=False)
    assert text in result.stderr
    assert result.returncode == reference.returncode == status


def test_stdin_volumes_and_propagation(engine, leaves_nothing, tmp_path):
    (tmp_path / "f").write_text("from the host")
    result = engine.run("run", "--rm", "-i", "--network", "none", "-v", f"{tmp_path}:/v:ro", IMAGE, "sh", "-c",
                        "cat; cat /v/f; touch /v/g 2>/dev/null || echo ' ro'", input="in ")
    assert result.stdout == "in from the host ro\n"


def terminal(engine, *arguments):
    """What a command shows that has a terminal for its stdin and stdout."""
    command = ["docker", "--host", f"unix://{engine.socket}", *arguments]
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    output = b""
    while True:
        try:
            chunk = os.read(ours, 4096)
        except OSError:
            break
        if not chunk:
            break
        output += chunk
    os.close(ours)
    assert process.wait(30) == 0, output
    return output.decode().replace("\r", "").strip()


def test_terminal(engine, leaves_nothing):
    script = "tty; test -c /dev/console && echo console; stty size >/dev/null 2>&1 && echo sized"
    shown = terminal(engine, "run", "--rm", "-it", "--network", "none", IMAGE, "sh", "-c", script)
    assert shown == "/dev/pts/0\nconsole\nsized"


def test_a_running_container(engine, leaves_nothing):
    container = engine("run", "-d", "--network", "none", IMAGE, "sleep", "1000")
    try:
        assert engine("exec", "-u", "5:6", "-w", "/bin", "-e", "A=B", container, "sh", "-c", "id -u; pwd; echo $A") == "5\n/bin\nB"
        assert engine.run("exec", container, "sh", "-c", "exit 9", check=False).returncode == 9
        missing = engine.run("exec", container, "nope", check=False)
        assert missing.returncode == 126 or missing.returncode == 127
        assert terminal(engine, "exec", "-it", container, "tty").startswith("/dev/pts/")
        assert "sleep 1000" in engine("top", container)
        engine("pause", container)
        assert engine.inspect(container)["State"]["Status"] == "paused"
        engine("unpause", container)
        engine("update", "--memory", "50m", "--memory-swap", "50m", container)
        assert engine("exec", container, "cat", "/sys/fs/cgroup/memory/memory.limit_in_bytes") == "52428800"
        engine("stop", "-t", "1", container)
        assert engine.inspect(container)["State"]["ExitCode"] == 137
        engine("start", container)
        engine("restart", "-t", "0", container)
        engine("kill", container)
    finally:
        engine("rm", "-f", container)


def test_descriptors_do_not_leak(engine, leaves_nothing):
    # CVE-2024-21626: neither a descriptor nor, by one, a working directory of the host.
    shown = engine("run", "--rm", "--network", "none", IMAGE, "sh", "-c", "ls /proc/self/fd | tr '\\n' ' '")
    assert shown == "0 1 2 3"
    container = engine("run", "-d", "--network", "none", IMAGE, "sleep", "1000")
    try:
        for number in range(3, 12):
            result = engine.run("exec", "-w", f"/proc/self/fd/{number}", container, "ls", check=False)
            assert result.returncode != 0 or result.stdout.split()[0] == "bin", (number, result.stdout)
    finally:
        engine("rm", "-f", container)


def test_the_runtime_cannot_be_overwritten(engine, leaves_nothing, program):
    # CVE-2019-5736: what enters the container is a sealed copy in memory.
    before = [path.read_bytes() for path in (program, program.with_name("fender-monitor"))]
    script = "exec 3>/proc/self/exe; echo x >&3"
    for entry in (["/proc/self/exe"], ["sh", "-c", script]):
        engine.run("run", "--rm", "--network", "none", IMAGE, *entry, check=False)
    assert before == [path.read_bytes() for path in (program, program.with_name("fender-monitor"))]


@pytest.fixture
def bundle(tmp_path, program, work):
    """A bundle that fender-oci runs without Docker, and the command line for it."""
    (tmp_path / "rootfs/bin").mkdir(parents=True)
    subprocess.run(["cp", "/bin/busybox", tmp_path / "rootfs/bin/sh"], check=True)
    (tmp_path / "config.json").write_text(json.dumps({
        "ociVersion": "1.2.0", "root": {"path": "rootfs"},
        "process": {"cwd": "/", "args": ["/bin/sh", "-c", "read x"]},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                   {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"}],
        "linux": {"cgroupsPath": f"/{work.name}/killed",
                  "namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts", "network")]}}))
    return tmp_path, [program, "--root", tmp_path / "state"]


def test_a_create_killed_anywhere_leaves_nothing_to_delete(bundle, work):
    directory, command = bundle

    def remains():
        processes = [path.parent.name for path in pathlib.Path("/proc").glob("[0-9]*/cmdline")
                     if path.parent.exists() and b"fender-monitor" in read(path)]
        states = [path for path in (directory / "state").glob("*") if not path.name.startswith(".")]
        return processes, states, list(pathlib.Path("/sys/fs/cgroup").glob(f"*/{work.name}/killed"))

    def create():
        return subprocess.Popen([*command, "create", "--bundle", directory, "killed"],
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def delete():
        subprocess.run([*command, "delete", "--force", "killed"], check=True)
        until(lambda: remains() == ([], [], []), timeout=10, what="every trace is gone")

    begin = time.monotonic()
    assert create().wait(30) == 0
    whole = time.monotonic() - begin
    delete()
    states = set()
    for part in range(24):
        process = create()
        time.sleep(whole * part / 20)
        process.kill()
        process.wait()
        state = subprocess.run([*command, "state", "killed"], capture_output=True, text=True)
        states.add(json.loads(state.stdout)["status"] if state.returncode == 0 else "none")
        delete()
    assert len(states) > 1, "all kills fell on the same side of the create"


def read(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""
