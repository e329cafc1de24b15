"""Run by test_deb.py on a machine with systemd: the package comes, changes and goes while a pod runs."""

import json
import os
import pathlib
import subprocess
import sys
import threading

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "Tests/e2e"), str(TOP / "packaging/demo")]

import grpc  # noqa: E402

import demo  # noqa: E402
from harness.client import Client  # noqa: E402
from harness.pods import SLEEP, Pods  # noqa: E402
from harness.schema import pb  # noqa: E402
from harness.waiting import until  # noqa: E402

SOCKET = "/run/fender/fender.sock"
UNITS = ("fender.socket", "fender.service")


def run(*command, code=0):
    print("$", *command, flush=True)
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
    pathlib.Path("/proc/sys/vm/drop_caches").write_text("2")
    assert done.returncode == code, (command, done.returncode, done.stdout, done.stderr, journal())
    return done.stdout.strip()


def journal():
    return subprocess.run(["systemctl", "status", "--no-pager", "--lines=30", *UNITS], capture_output=True, text=True).stdout


def unit(name, key):
    return run("systemctl", "show", "--property", key, "--value", name)


class Caller(threading.Thread):
    """Calls all the time, on one connection or on a new one each time; no call may be refused."""

    def __init__(self, fresh):
        super().__init__(daemon=True)
        self.fresh, self.count, self.failures, self.ends = fresh, 0, [], False

    def run(self):
        channel = None
        while not self.ends:
            if channel is None or self.fresh:
                channel = grpc.insecure_channel(
                    f"unix://{SOCKET}", options=[("grpc.default_authority", "localhost"),
                                                 ("grpc.use_local_subchannel_pool", 1)])
            call = channel.unary_unary("/runtime.v1.RuntimeService/ListPodSandbox")
            try:
                call(b"", timeout=60)
                self.count += 1
            except grpc.RpcError as error:
                self.failures.append((error.code().name, error.details()))
            if self.fresh:
                channel.close()

    def end(self):
        self.ends = True
        self.join(90)
        assert not self.is_alive() and self.count > 10, (self.count, self.is_alive())
        assert not self.failures, (self.fresh, self.count, self.failures[:5])


def calling(action):
    """Does something under the eyes of callers."""
    callers = [Caller(True), Caller(False), Caller(True)]
    for caller in callers:
        caller.start()
    until(lambda: all(caller.count > 3 for caller in callers), timeout=60)
    action()
    counts = [caller.count for caller in callers]
    until(lambda: all(caller.count > count + 3 for caller, count in zip(callers, counts)), timeout=60)
    for caller in callers:
        caller.end()
    print("calls made meanwhile:", [caller.count for caller in callers], flush=True)


def main(first, second):
    # Every manual of the host would be read, and the machine holds each file open that it remembers.
    pathlib.Path("/var/lib/man-db/auto-update").unlink(missing_ok=True)
    # In images for containers this keeps packages from starting services.
    pathlib.Path("/usr/sbin/policy-rc.d").unlink(missing_ok=True)
    work = pathlib.Path("/var/tmp/package-test")
    work.mkdir()
    run("dpkg", "--install", first)
    # Root file systems are overlays, which cannot be made on the machine's own.
    state = pathlib.Path("/var/lib/fender")
    for directory in (state, work / "state"):
        directory.mkdir(exist_ok=True)
    run("mount", "--bind", str(work / "state"), str(state))
    assert all(unit(name, "ActiveState") == "inactive" for name in UNITS)
    archive = work / "demo.tar"
    archive.write_bytes(demo.image_archive())
    run("fender", "images", "import", str(archive))
    run("systemctl", "enable", "--now", *UNITS)
    status = os.stat(SOCKET)
    assert (status.st_mode & 0o777, status.st_gid) == (0o660, int(run("getent", "group", "fender").split(":")[2]))
    client = Client(SOCKET)
    pods = Pods(client, work, "packagetest.slice")
    pod = pods.run(network=pb.NODE)
    container = pod.start(image=demo.IMAGE, command=SLEEP)
    pid = int(client.exec(container, "/bin/sh", "-c", "readlink /proc/self >/dev/null; cat /proc/1/stat").split()[0])
    inside = host_pid(container, client)

    def alive():
        return pathlib.Path(f"/proc/{inside}/root/bin/busybox").exists()

    assert pid == 1 and alive()
    before = unit("fender.service", "MainPID")
    calling(lambda: run("dpkg", "--install", second))
    assert unit("fender.service", "MainPID") != before
    assert client.exec(container, "/bin/echo", "here") == "here\n" and host_pid(container, client) == inside
    calling(lambda: run("systemctl", "restart", "fender.service"))
    calling(lambda: run("systemctl", "reload", "fender.service"))
    assert unit("fender.service", "ActiveState") == "active"

    run("dpkg", "--remove", "fender")
    assert alive() and not os.path.exists(SOCKET) and pathlib.Path("/var/lib/fender/images").exists()
    run("dpkg", "--install", second)
    run("systemctl", "enable", "--now", *UNITS)
    assert client.status(container).state == pb.CONTAINER_RUNNING and host_pid(container, client) == inside
    run("dpkg", "--purge", "fender")
    assert alive() and pathlib.Path("/var/lib/fender/images").exists()
    run("dpkg", "--install", second)
    run("systemctl", "enable", "--now", *UNITS)
    pods.remove()
    assert not alive()
    client.close()
    run("systemctl", "stop", *UNITS)
    run("umount", str(state))
    (state / "sandbox").mkdir()
    run("dpkg", "--purge", "fender")
    assert not pathlib.Path("/var/lib/fender").exists() and not pathlib.Path("/run/fender").exists()
    assert not pathlib.Path("/etc/fender").exists()
    print("all done", flush=True)


def host_pid(container, client):
    return json.loads(client.ContainerStatus(container_id=container, verbose=True).info["info"])["pid"]


if __name__ == "__main__":
    main(*sys.argv[1:])
