"""Runtime handlers: pods whose containers another OCI runtime makes. With --handler the whole suite runs on one."""

import json
import os
import pathlib
import signal
import subprocess

import grpc
import pytest

from harness import servers
from harness.client import refused
from harness.pods import SLEEP, Pods
from harness.schema import pb
from harness.waiting import until
from harness.websocket import STDIN, STDOUT, WebSocket

pytestmark = pytest.mark.native


def works(name):
    """crun runs on cgroup v1 only where nothing is left to v2."""
    unified = pathlib.Path("/sys/fs/cgroup/unified/cgroup.controllers")
    return os.access(servers.HANDLERS[name], os.X_OK) and not (
        name == "crun" and unified.exists() and unified.read_text().split())


@pytest.fixture(scope="module", autouse=True)
def first(client, ledger, work, cgroup_parent):
    """The first pod makes what stays: the cgroup that all pods are in, in a hierarchy that the executor leaves alone."""
    made = Pods(client, work, cgroup_parent)
    for name in filter(works, servers.HANDLERS):
        made.run(handler=name).start()
    made.remove()


@pytest.fixture(params=servers.HANDLERS)
def handler(request):
    if not works(request.param):
        pytest.skip(f"{request.param} does not run on this machine")
    return request.param


@pytest.fixture
def pod(pods, handler):
    return pods.run(handler=handler)


def info(client, container):
    return json.loads(client.ContainerStatus(container_id=container, verbose=True).info["info"])


def parent(pid):
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")")[1].split()[1])


def known(server, handler):
    """What the runtime itself says there is."""
    listed = subprocess.run([servers.HANDLERS[handler], "--root", server.root / "run/native/handlers" / handler, "list",
                             "--format", "json"], capture_output=True, text=True, check=True).stdout
    return {item["id"]: item["status"] for item in json.loads(listed) or []}


def exited(client, container):
    until(lambda: client.status(container).state == pb.CONTAINER_EXITED, what="it has exited")
    return client.status(container)


def test_they_are_told(client):
    handlers = {handler.name: handler.features for handler in client.Status().runtime_handlers}
    assert set(handlers) == {"", "native", *servers.HANDLERS}
    assert handlers["runc"].recursive_read_only_mounts and not handlers["runc"].user_namespaces


def test_a_life(client, server, pod, handler):
    assert pod.status.runtime_handler == handler
    script = "echo out; echo err >&2; trap 'exit 7' TERM; while :; do sleep 1; done"
    config = pod.container(command=["/bin/sh", "-c", script])
    container = pod.create(config)
    assert known(server, handler) == {}
    client.StartContainer(container_id=container)
    assert known(server, handler) == {container: "running"}
    # The supervisor is our own, and has the process for a child.
    pid = info(client, container)["pid"]
    assert pathlib.Path(f"/proc/{parent(pid)}/cmdline").read_text().startswith("fender-monitor")
    assert pod.config.linux.cgroup_parent in pathlib.Path(f"/proc/{pid}/cgroup").read_text()
    until(lambda: len(pod.log(config).read_text().splitlines()) == 2, what="both lines")
    assert {line.split(" ", 1)[1] for line in pod.log(config).read_text().splitlines()} == {
        "stdout F out", "stderr F err"}
    client.StopContainer(container_id=container, timeout=10)
    status = client.status(container)
    assert (status.state, status.exit_code, status.reason) == (pb.CONTAINER_EXITED, 7, "Error")
    until(lambda: known(server, handler) == {}, what="the runtime has forgotten it")


def test_the_grace_period_ends(client, pod):
    container = pod.start(command=["/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done"])
    client.StopContainer(container_id=container, timeout=1)
    assert client.status(container).exit_code == 137


def test_a_terminal(client, pod):
    config = pod.container(tty=True, stdin=True, command=["/bin/sh", "-c", "tty; cat"])
    container = pod.start(config)
    until(lambda: "/dev/" in pod.log(config).read_text(), what="it has a terminal")
    attached = WebSocket(client.Attach(container_id=container, stdin=True, stdout=True, tty=True).url,
                         "v5.channel.k8s.io")
    attached.send(STDIN, b"hello\n")
    attached.read_until(b"hello\r\nhello\r\n")
    attached.abandon()
    output = WebSocket(client.Exec(container_id=container, cmd=["/bin/sh", "-c", "tty; exit 3"], stdin=True, stdout=True,
                                   tty=True).url, "v5.channel.k8s.io").collect()
    assert output[STDOUT].startswith(b"/dev/pts/")


def test_exec_has_the_containers_identity(client, pod):
    container = pod.start(env={"FROM": "config"}, security=dict(
        run_as_user=pb.Int64Value(value=1234), run_as_group=pb.Int64Value(value=55), supplemental_groups=[77]))
    assert client.shell(container, "id -u; id -G; echo $FROM").split() == ["1234", "55", "77", "config"]
    answer = client.ExecSync(container_id=container, cmd=["/bin/sh", "-c", "echo a; echo b >&2; exit 9"])
    assert (answer.stdout, answer.stderr, answer.exit_code) == (b"a\n", b"b\n", 9)


def test_exec_of_nothing_says_so(client, pod):
    container = pod.start()
    with pytest.raises(grpc.RpcError, match="no-such-program"):
        client.ExecSync(container_id=container, cmd=["/bin/no-such-program"])
    assert client.shell(container, "echo well") == "well\n"


def test_a_program_that_is_missing(client, server, pod, handler):
    container = pod.create(command=["/no/such/program"])
    with pytest.raises(grpc.RpcError, match="/no/such/program"):
        client.StartContainer(container_id=container)
    status = client.status(container)
    assert (status.state, status.exit_code, status.reason) == (pb.CONTAINER_EXITED, 128, "StartError")
    assert known(server, handler) == {}


def test_limits(client, server, pod, handler):
    container = pod.start(resources=dict(memory_limit_in_bytes=64 << 20, cpu_shares=100))
    client.UpdateContainerResources(container_id=container, linux=pb.LinuxContainerResources(
        memory_limit_in_bytes=96 << 20, cpu_shares=200))
    root = pathlib.Path("/sys/fs/cgroup")
    files = [*root.glob(f"memory{pod.config.linux.cgroup_parent}/{container}/memory.limit_in_bytes"),
             *root.glob(f".{pod.config.linux.cgroup_parent}/{container}/memory.max")]
    assert [int(file.read_text()) for file in files] == [96 << 20]
    assert client.ContainerStats(container_id=container).stats.memory.working_set_bytes.value > 0


def test_killed_for_want_of_memory(client, pod):
    container = pod.start(command=["/bin/sh", "-c", "tail /dev/zero"], resources=dict(
        memory_limit_in_bytes=16 << 20, memory_swap_limit_in_bytes=16 << 20))
    assert exited(client, container).reason == "OOMKilled"


@pytest.mark.parametrize("kill", [True, False], ids=["killed", "ended"])
def test_they_outlive_the_daemon(client, server, pod, handler, kill):
    container = pod.start()
    before = client.status(container), info(client, container)["pid"]
    server.restart(kill=kill)
    assert (client.status(container), info(client, container)["pid"]) == before
    assert client.shell(container, "echo alive") == "alive\n"
    client.StopContainer(container_id=container, timeout=5)
    assert client.status(container).exit_code == 0
    until(lambda: known(server, handler) == {}, what="the runtime has forgotten it")


def test_an_end_while_the_daemon_is_away(client, server, pod, handler):
    container = pod.start()
    pid = info(client, container)["pid"]
    server.kill()
    os.kill(pid, signal.SIGKILL)
    until(lambda: not pathlib.Path(f"/proc/{pid}").exists(), what="it has ended")
    server.start()
    assert client.status(container).exit_code == 137
    assert known(server, handler) == {}


def test_a_supervisor_that_dies_while_the_daemon_is_away(client, server, pod, handler):
    container = pod.start()
    pid = info(client, container)["pid"]
    server.kill()
    os.kill(parent(pid), signal.SIGKILL)
    server.start()
    assert client.status(container).state == pb.CONTAINER_EXITED
    assert not pathlib.Path(f"/proc/{pid}").exists()
    assert known(server, handler) == {}


def test_a_supervisor_that_is_killed(client, server, pod, handler):
    container = pod.start()
    pid = info(client, container)["pid"]
    os.kill(parent(pid), signal.SIGKILL)
    exited(client, container)
    until(lambda: not pathlib.Path(f"/proc/{pid}").exists(), what="its process is gone as well")
    until(lambda: known(server, handler) == {}, what="the runtime has forgotten it")


@pytest.mark.parametrize("milliseconds", [0, 5, 15, 30, 60])
def test_a_daemon_that_dies_while_a_container_starts(client, server, pod, handler, milliseconds):
    container = pod.create(command=SLEEP)
    start = client.StartContainer.future(container_id=container)
    with pytest.raises(grpc.FutureTimeoutError):
        start.result(timeout=milliseconds / 1000)
        raise grpc.FutureTimeoutError
    server.kill()
    server.start()
    # Whoever asked asks again, unless it runs.
    if client.status(container).state == pb.CONTAINER_CREATED:
        client.StartContainer(container_id=container)
    assert known(server, handler) == {container: "running"}
    assert client.shell(container, "echo well") == "well\n"
    client.RemoveContainer(container_id=container)
    assert known(server, handler) == {}


def test_what_a_handler_cannot_do_is_refused(client, pods, pod, handler, work):
    ids = [pb.IDMapping(container_id=0, host_id=300000, length=65536)]
    with refused("UNIMPLEMENTED", match="user namespaces are for native alone"):
        pods.run(handler=handler, userns=pb.UserNamespace(mode=pb.POD, uids=ids, gids=ids))
    mount = pb.Mount(host_path=str(work), container_path="/data", uidMappings=ids, gidMappings=ids)
    with refused("UNIMPLEMENTED", match="id-mapped"):
        pod.create(mounts=[mount])
    if handler == "crun":
        with refused("INVALID_ARGUMENT", match="RROUnsupported"):
            pod.create(mounts=[pb.Mount(host_path=str(work), container_path="/data", readonly=True,
                                        recursive_read_only=True)])


def test_an_unknown_handler_is_refused(pods):
    with refused("INVALID_ARGUMENT", match="there are only"):
        pods.run(handler="kata")
