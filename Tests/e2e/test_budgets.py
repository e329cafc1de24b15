"""What a call may ask of Docker: the requests, counted at Docker's own socket.

A death that is told before our own reading of it may cost a reading more; hence the bounds.
"""

import collections
import time

import pytest

from harness.recorder import Recorder
from harness.schema import pb
from harness.waiting import until

pytestmark = pytest.mark.docker
INSPECT = "GET /containers/ID/json"


@pytest.fixture(scope="module")
def recorder(server, client, docker):
    """The server, started again so that it reaches Docker through the recorder."""
    recorder = Recorder(docker.root / "recorded.sock", docker.socket)
    command = server.daemon.command
    server.daemon.stop()
    server.daemon.command = [part.replace(str(docker.socket), str(recorder.socket)) for part in command]
    server.daemon.start()
    yield recorder
    server.daemon.stop()
    server.daemon.command = command
    server.daemon.start()
    recorder.close()


@pytest.fixture
def asked(recorder):
    """Gives what a call asks of Docker, with what its events ask afterwards."""
    def asked(call):
        quiet(recorder)
        recorder.take()
        result = call()
        return result, collections.Counter(quiet(recorder))
    return asked


def quiet(recorder):
    """What was asked until nothing more is asked for a while."""
    requests = []

    def is_quiet():
        before = len(requests)
        time.sleep(0.5)
        requests.extend(recorder.take())
        return len(requests) == before

    until(is_quiet, what="nothing more is asked of Docker")
    return requests


def check(asked, needed, inspections):
    """`needed` is asked exactly, and no more than `inspections` readings of a container."""
    readings = asked.pop(INSPECT, 0)
    assert dict(asked) == dict(collections.Counter(needed))
    assert readings <= inspections


def test_reading_asks_nothing(pods, client, asked):
    pod = pods.run()
    container = pod.start()
    _, found = asked(lambda: [
        client.ListPodSandbox(), client.ListContainers(), client.ListImages(), client.Status(), client.Version(),
        client.sandbox_status(pod.id), client.status(container), client.ImageStatus(
            image=pb.ImageSpec(image=pod.container().image.image))])
    assert not found


def test_the_life_of_a_pod(pods, client, asked):
    pod, found = asked(pods.run)
    check(found, ["POST /containers/create", "POST /containers/ID/start"], inspections=1)
    container, found = asked(pod.create)
    check(found, ["POST /containers/create"], inspections=1)
    _, found = asked(lambda: client.StartContainer(container_id=container))
    check(found, ["POST /containers/ID/start"], inspections=1)
    _, found = asked(lambda: client.ExecSync(container_id=container, cmd=["true"]))
    check(found, ["POST /containers/ID/exec", "POST /exec/ID/start", "GET /exec/ID/json"], inspections=0)
    _, found = asked(lambda: client.StopContainer(container_id=container, timeout=5))
    check(found, ["POST /containers/ID/stop"], inspections=2)
    _, found = asked(lambda: client.RemoveContainer(container_id=container))
    check(found, ["DELETE /containers/ID"], inspections=0)
    _, found = asked(pod.stop)
    check(found, ["POST /containers/ID/stop"], inspections=2)
    _, found = asked(lambda: client.RemovePodSandbox(pod_sandbox_id=pod.id))
    check(found, ["DELETE /containers/ID"], inspections=0)


def test_a_container_that_ends_costs_one_reading(pods, client, asked):
    pod = pods.run()
    container = pod.start(command=["/bin/sh", "-c", "while [ ! -e /end ]; do sleep 0.1; done"])
    client.ExecSync(container_id=container, cmd=["touch", "/end"])
    _, found = asked(lambda: until(lambda: client.status(container).state == pb.CONTAINER_EXITED))
    assert sum(found.values()) <= 1, found
