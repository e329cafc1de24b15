"""Pods without Docker across deaths: of the daemon, of a supervisor, of a pause process, and of what lies on disk."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess

import pytest

from harness import leaks
from harness.pods import SLEEP
from harness.schema import pb
from harness.waiting import until

pytestmark = pytest.mark.native


def info(client, container):
    return json.loads(client.ContainerStatus(container_id=container, verbose=True).info["info"])


def state(server, kind, identifier):
    """The directory of what Fender remembers of an object."""
    return server.state / "native" / kind / identifier


def supervisor(pid):
    """The process that stays with a container: its parent."""
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")")[1].split()[1])


@pytest.mark.parametrize("kill", [True, False], ids=["killed", "ended"])
def test_pods_outlive_the_daemon(client, server, pods, kill):
    pod = pods.run()
    container = pod.start()
    before = client.status(container), pod.status, info(client, container)["pid"]
    server.restart(kill=kill)
    assert (client.status(container), pod.status, info(client, container)["pid"]) == before
    assert client.shell(container, "echo alive") == "alive\n"
    client.StopContainer(container_id=container, timeout=5)
    assert client.status(container).exit_code == 0


def test_an_end_while_the_daemon_is_away_is_known_after_it(client, server, pods):
    pod = pods.run()
    config = pod.container(command=["/bin/sh", "-c", "echo last words; read wait < /tmp/go; exit 7"])
    config.mounts.add(container_path="/tmp", host_path=str(pod.log(config).parents[1]))
    os.mkfifo(pod.log(config).parents[1] / "go")
    container = pod.start(config)
    pid = info(client, container)["pid"]
    server.kill()
    (pod.log(config).parents[1] / "go").write_text("\n")
    until(lambda: not pathlib.Path(f"/proc/{pid}").exists(), what="the container has ended")
    server.start()
    status = client.status(container)
    assert (status.state, status.exit_code, status.reason) == (pb.CONTAINER_EXITED, 7, "Error")
    assert status.started_at < status.finished_at
    assert pod.log(config).read_text().split(" ", 3)[3] == "last words\n"


def test_a_container_whose_supervisor_is_killed_has_exited(client, pods):
    pod = pods.run()
    container = pod.start()
    os.kill(supervisor(info(client, container)["pid"]), signal.SIGKILL)
    until(lambda: client.status(container).state == pb.CONTAINER_EXITED, what="it has exited")
    assert client.status(container).exit_code != 0
    client.RemoveContainer(container_id=container)
    assert pod.start(name="again")


@pytest.mark.parametrize("away", [False, True], ids=["seen", "while the daemon is away"])
def test_a_sandbox_whose_pause_process_is_killed_is_not_ready(client, server, pods, away):
    pod = pods.run()
    pid = json.loads(client.PodSandboxStatus(pod_sandbox_id=pod.id, verbose=True).info["info"])["pid"]
    if away:
        server.kill()
    os.kill(pid, signal.SIGKILL)
    if away:
        server.start()
    until(lambda: pod.status.state == pb.SANDBOX_NOTREADY, what="the sandbox is not ready")
    pod.stop()


def test_after_a_reboot_nothing_is_stuck(client, server, pods):
    """What a reboot takes: processes, mounts and namespaces, and the state directory."""
    pod = pods.run()
    running, created = pod.start(), pod.create(name="created")
    addresses = server.network.held()
    pids = [info(client, running)["pid"],
            json.loads(client.PodSandboxStatus(pod_sandbox_id=pod.id, verbose=True).info["info"])["pid"]]
    server.kill()
    run = server.root / "run"
    os.kill(supervisor(pids[0]), signal.SIGKILL)
    # It dies with its supervisor only if the executor made it.
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for point in reversed([line.split()[4] for line in open("/proc/self/mountinfo")]):
        if point.startswith(str(run)) or point.startswith(str(server.state / "images/snapshots")):
            subprocess.run(["umount", "--lazy", point], check=True)
    shutil.rmtree(run)
    for directory in pathlib.Path("/sys/fs/cgroup").glob(f"*{pod.config.linux.cgroup_parent}/*/"):
        until(lambda: leaks.removed(directory), what=f"{directory} is empty")
    server.start()
    assert pod.status.state == pb.SANDBOX_NOTREADY
    status = client.status(running)
    assert (status.state, status.exit_code) == (pb.CONTAINER_EXITED, 255)
    assert client.status(created).state == pb.CONTAINER_CREATED
    until(lambda: len(server.network.held()) < len(addresses), what="the pod's addresses are free")
    client.RemoveContainer(container_id=running)
    pod.stop()
    client.RemovePodSandbox(pod_sandbox_id=pod.id)


@pytest.mark.parametrize("content", [b"", b"\xff\xff\xff", None], ids=["empty", "rubbish", "missing"])
def test_a_broken_file_costs_its_own_object_only(client, server, pods, content):
    whole, broken = pods.run(), pods.run()
    survivor, lost = whole.start(), broken.start()
    server.kill()
    file = state(server, "containers", lost) / "status"
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    server.start()
    assert client.status(survivor).state == pb.CONTAINER_RUNNING
    assert client.containers(id=lost) == []
    assert broken.status.state == pb.SANDBOX_READY
    # What it ran is gone as well.
    assert broken.start(name="again")


def test_all_pods_are_adopted(client, server, pods):
    made = [pods.run() for _ in range(10)]
    containers = [pod.start() for pod in made]
    server.restart()
    assert {item.id for item in client.sandboxes(state=pb.PodSandboxStateValue(state=pb.SANDBOX_READY))} >= {
        pod.id for pod in made}
    assert all(client.status(container).state == pb.CONTAINER_RUNNING for container in containers)


def test_what_cannot_start_has_exited_with_the_reason(client, pods):
    pod = pods.run()
    container = pod.create(command=["/no/such/program"])
    with pytest.raises(Exception, match="/no/such/program"):
        client.StartContainer(container_id=container)
    status = client.status(container)
    assert (status.state, status.exit_code, status.reason) == (pb.CONTAINER_EXITED, 128, "StartError")
    assert "/no/such/program" in status.message


def test_supervisors_hold_nothing_of_the_daemons(client, server, pods):
    pod = pods.run()
    container = pod.start(command=SLEEP)
    monitor = supervisor(info(client, container)["pid"])
    files = [os.readlink(f"/proc/{monitor}/fd/{fd}") for fd in os.listdir(f"/proc/{monitor}/fd")]
    assert not [name for name in files if "fender.sock" in name or name.startswith("/dev/pts")]
    daemon = pathlib.Path(f"/proc/{server.daemon.pid}/cgroup").read_text()
    assert pathlib.Path(f"/proc/{monitor}/cgroup").read_text() != daemon
    assert os.getsid(monitor) == monitor
