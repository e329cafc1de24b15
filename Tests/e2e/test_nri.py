"""Plugins of the Node Resource Interface: what they are told, how they come and go, and that none can do harm."""

import os
import pathlib
import stat
import sys
import textwrap
import threading
import time

import grpc
import pytest

from harness import images
from harness.nri import Plugin, Refused, adjusting
from harness.schema import nri, pb
from harness.waiting import until
from test_containers import ended
from test_resources import LIMITS, MIB

pytestmark = pytest.mark.fender


def test_only_root_may_connect(place):
    assert stat.S_IMODE(os.stat(place / "nri.sock").st_mode) == 0o600


def test_life(client, pods, plugin):
    """Every step is told once and in order, with the pod and the container as they are then."""
    told = plugin()
    pod = pods.run(labels={"a": "1"}, annotations={"b": "2"})
    container = pod.start(labels={"c": "3"}, annotations={"d": "4"}, env={"E": "5"}, resources=LIMITS)
    client.UpdateContainerResources(
        container_id=container, linux=pb.LinuxContainerResources(cpu_shares=100))
    client.StopContainer(container_id=container, timeout=10)
    client.StopContainer(container_id=container, timeout=10)
    client.RemoveContainer(container_id=container)
    ip = pod.ip
    pod.stop()
    pod.stop()
    client.RemovePodSandbox(pod_sandbox_id=pod.id)

    expected = ["CreateContainer", "PostCreateContainer", "StartContainer", "PostStartContainer", "UpdateContainer",
                "PostUpdateContainer", "StopContainer", "RemoveContainer"]
    # An adjustment is validated, be it empty.
    assert [method for method in told.about(container) if method != "ValidateContainerAdjustment"] == expected
    assert told.about_pod(pod.id) == ["RunPodSandbox", "StopPodSandbox", "RemovePodSandbox"]

    [run] = told.methods("RunPodSandbox")
    metadata = pod.config.metadata
    assert (run.pod.name, run.pod.namespace, run.pod.uid) == (metadata.name, metadata.namespace, metadata.uid)
    assert run.pod.labels == {"a": "1"} and run.pod.annotations == {"b": "2"}
    assert run.pod.ips[0] == ip and run.pod.pid > 1
    [create] = told.methods("CreateContainer")
    seen = create.container
    assert seen.name == "main" and seen.pod_sandbox_id == pod.id == create.pod.id
    assert seen.labels == {"c": "3"} and seen.annotations["d"] == "4"
    assert "E=5" in seen.env and seen.args[0] == "/bin/sh"
    assert seen.linux.resources.memory.limit.value == 64 * MIB and seen.linux.resources.cpu.cpus == "0"
    assert container in seen.linux.cgroups_path
    [started] = told.methods("PostStartContainer")
    assert started.container.state == nri.CONTAINER_RUNNING and started.container.pid > 1
    assert "E=5" in started.container.env
    [update] = told.methods("UpdateContainer")
    assert update.linux_resources.cpu.shares.value == 100
    [stopped] = told.methods("StopContainer")
    assert stopped.container.state == nri.CONTAINER_STOPPED and stopped.container.finished_at > 0


def test_an_end_by_itself_is_told(client, pods, plugin):
    told = plugin()
    container = pods.run().start(command=["/bin/sh", "-c", "exit 3"])
    until(lambda: "StopContainer" in told.about(container), timeout=10)
    [stopped] = [request for request in told.methods("StopContainer") if request.container.id == container]
    assert stopped.container.exit_code == 3
    client.RemoveContainer(container_id=container)
    assert told.about(container)[-2:] == ["StopContainer", "RemoveContainer"]


def test_a_pod_that_is_removed_while_it_runs(client, pods, plugin):
    told = plugin()
    pod = pods.run()
    container = pod.start()
    client.RemovePodSandbox(pod_sandbox_id=pod.id)
    assert told.about(container)[-2:] == ["StopContainer", "RemoveContainer"]
    assert told.about_pod(pod.id) == ["RunPodSandbox", "StopPodSandbox", "RemovePodSandbox"]
    methods = [method for method, _ in told.told]
    assert methods.index("StopContainer") < methods.index("StopPodSandbox")


# Adjustments.


def test_who_comes_late_is_shown_what_exists(client, pods, plugin):
    pod = pods.run()
    running, created = pod.start(env={"A": "1"}), pod.create(name="created")
    exited = pod.start(name="exited", command=["/bin/true"])
    ended(client, exited)
    told = plugin(name="late")
    [shown] = told.methods("Synchronize")
    assert pod.id in [found.id for found in shown.pods]
    states = {found.id: found.state for found in shown.containers if found.pod_sandbox_id == pod.id}
    assert states == {running: nri.CONTAINER_RUNNING, created: nri.CONTAINER_CREATED, exited: nri.CONTAINER_STOPPED}
    [found] = [found for found in shown.containers if found.id == running]
    assert "A=1" in found.env and found.pid > 1 and found.name == "main"
    client.StopContainer(container_id=running, timeout=0)
    assert told.about(running) == ["StopContainer"]


def test_containers_that_the_server_found_at_its_start(client, server, pods, plugin):
    pod = pods.run()
    container = pod.start(env={"A": "1"})
    server.restart()
    until(pathlib.Path(server.root / "nri/nri.sock").exists)
    told = until(lambda: joined(plugin))
    [shown] = told.methods("Synchronize")
    [found] = [found for found in shown.containers if found.id == container]
    assert "A=1" in found.env
    client.StopContainer(container_id=container, timeout=0)
    assert told.about(container) == ["StopContainer"]


def joined(plugin):
    """A plugin that has joined; the server's old socket may be there a little longer."""
    try:
        return plugin()
    except (ConnectionError, Refused):
        return None


def test_what_happens_while_one_joins_is_not_lost(client, pods, place):
    pod = pods.run()
    reached, release = threading.Event(), threading.Event()

    def synchronize(request):
        reached.set()
        release.wait(3)
        return None

    made = []
    late = Plugin(place / "nri.sock", name="late", Synchronize=synchronize)
    late.connect()
    late.register()
    assert reached.wait(10)
    makers = [threading.Thread(target=lambda number=number: made.append(pod.start(name=f"c{number}")))
              for number in range(3)]
    for maker in makers:
        maker.start()
    release.set()
    for maker in makers:
        maker.join(30)
    [shown] = late.methods("Synchronize")
    known = {found.id for found in shown.containers} | {
        request.container.id for request in late.methods("CreateContainer")}
    assert {*made} <= known and len(made) == 3
    late.stop()


def test_who_has_left_may_come_back(client, pods, plugin):
    for _ in range(3):
        told = plugin(name="again")
        told.stop()
        assert told.is_over.wait(10)
    told = plugin(name="again")
    container = pods.run().start()
    assert "CreateContainer" in told.about(container)


def test_a_stalled_plugin_is_dropped(client, pods, plugin):
    forever = threading.Event()
    stalled = plugin(name="stalled", index="00", CreateContainer=lambda _: forever.wait(60) and None)
    other = plugin(name="other", index="10", CreateContainer=adjusting(env=[nri.KeyValue(key="OK", value="1")]))
    pod = pods.run()
    before = time.monotonic()
    container = pod.start()
    assert time.monotonic() - before < 8
    assert stalled.is_over.wait(10) and not other.is_over.is_set()
    assert "OK=1" in client.exec(container, "/bin/cat", "/proc/1/environ")
    forever.set()
    before = time.monotonic()
    pod.start(name="second")
    assert time.monotonic() - before < 2


def test_a_plugin_that_dies_meanwhile(client, pods, plugin):
    dying = plugin(name="dying")
    dying.handlers["CreateContainer"] = lambda _: dying.stop()
    dying.handlers["RunPodSandbox"] = lambda _: None
    pods.run().start()
    assert dying.is_over.wait(10)


def test_a_refusal_fails_the_call_and_leaves_nothing(client, pods, plugin, network):
    told = plugin()

    def refuse(request):
        raise Refused("not today")

    told.handlers["RunPodSandbox"] = refuse
    held = network.held()
    config = pods.config()
    with pytest.raises(grpc.RpcError, match="not today"):
        client.RunPodSandbox(config=config)
    assert network.held() == held
    [run] = told.methods("RunPodSandbox")
    assert told.about_pod(run.pod.id) == ["RunPodSandbox", "StopPodSandbox", "RemovePodSandbox"]
    assert client.sandboxes(id=run.pod.id) == []
    del told.handlers["RunPodSandbox"]
    pod = pods.run(config)
    told.handlers["StartContainer"] = refuse
    container = pod.create()
    with pytest.raises(grpc.RpcError, match="not today"):
        client.StartContainer(container_id=container)
    assert client.status(container).state != pb.CONTAINER_RUNNING
    # Ends are told of, whatever a plugin says to that.
    told.handlers.update(StopContainer=refuse, RemoveContainer=refuse, StopPodSandbox=refuse, RemovePodSandbox=refuse)
    pod.remove()


def test_hostile_bytes(client, place, plugin, pods):
    told = plugin()
    for data in (b"\xff" * 64, b"GET / HTTP/1.1\r\n\r\n", os.urandom(4096), b"\0\0\0\2\0\0\0\n\0\x50\0\0\0\0\0\1\1\0"):
        one = Plugin(place / "nri.sock").connect()
        one.socket.sendall(data)
        one.socket.settimeout(10)
        assert one.is_over.wait(10)
    assert "CreateContainer" in told.about(pods.run().start())


def test_a_pre_installed_plugin(client, server, place, pods):
    """It is launched with its end of a connection, its name and its configuration, and ends with the server."""
    program = place / "plugins/15-installed"
    program.parent.mkdir()
    (place / "conf").mkdir()
    (place / "conf/15-installed.conf").write_text("VALUE")
    harness = pathlib.Path(__file__).parent
    program.write_text(textwrap.dedent(f"""\
        #!{sys.executable}
        import os, sys
        sys.path.insert(0, {str(harness)!r})
        from harness.nri import Plugin, nri
        configuration = []
        def configure(request):
            configuration.append(request.config)
            return {{"events": 1 << (nri.CREATE_CONTAINER - 1)}}
        def create(request):
            env = [nri.KeyValue(key=os.environ["NRI_PLUGIN_NAME"], value=configuration[0])]
            return {{"adjust": nri.ContainerAdjustment(env=env)}}
        plugin = Plugin(None, "installed", "15", Configure=configure, CreateContainer=create)
        open({str(place / "pid")!r}, "w").write(str(os.getpid()))
        plugin.start()
        print("x" * (1 << 20), flush=True)
        plugin.is_over.wait()
        """))
    program.chmod(0o755)
    try:
        server.restart(kill=False)
        pod = pods.run()

        def adjusted():
            return "installed=VALUE" in client.exec(pod.start(), "/bin/cat", "/proc/1/environ")

        until(adjusted, timeout=30, interval=0.5)
        pid = int((place / "pid").read_text())
        os.kill(pid, 9)
        until(lambda: not adjusted(), timeout=10, interval=0.2)
        server.restart(kill=False)
        until(lambda: int((place / "pid").read_text() or 0) not in (0, pid), timeout=10)
    finally:
        program.unlink()
        pid = int((place / "pid").read_text())
        server.restart(kill=False)
    until(lambda: not pathlib.Path(f"/proc/{pid}").exists(), timeout=10)


def test_plugins_are_counted(server, plugin):
    import http.client
    import socket

    plugin()
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(server.metrics))
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    assert "fender_nri_plugins 1" in text
    assert 'fender_nri_plugin_calls_total{method="Synchronize",outcome="ok"}' in text


def test_images_of_containers(client, pods, plugin):
    told = plugin()
    pods.run().start()
    [create] = told.methods("CreateContainer")
    assert create.container.image.name == images.BUSYBOX
    assert create.container.image.config_digest.startswith("sha256:")
