"""A restart under a parent that passes the socket, as systemd does: whoever calls meanwhile waits, and is answered."""

import os
import signal
import socket
import subprocess
import threading
import time

import grpc
import pytest

from harness.images import BUSYBOX
from harness.pods import SLEEP
from harness.schema import pb
from harness.waiting import until

pytestmark = pytest.mark.fender

PASS = 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3<&$PASSED'


@pytest.fixture
def passed(server, client):
    """Runs the server under test on a socket that outlives it."""
    listener = socket.socket(socket.AF_UNIX)
    path = server.root / "passed.sock"
    listener.bind(str(path))
    listener.listen(1024)
    former = list(server.daemon.command)
    command = list(former)
    command[command.index("--container-runtime-endpoint") + 1] = "fd://"
    server.daemon.stop()
    os.set_inheritable(listener.fileno(), True)
    log = open(server.daemon.log, "ab")

    class Passed:
        process = None

        def start(self):
            environment = {**os.environ, "PASSED": str(listener.fileno())}
            self.process = subprocess.Popen(
                ["/bin/bash", "-c", PASS, "passed", *command], pass_fds=[listener.fileno()], env=environment, stdout=log,
                stderr=log)

        def stop(self):
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(30) == 0

    one = Passed()
    one.path = path
    one.start()
    yield one
    one.stop()
    listener.close()
    path.unlink()
    log.close()
    server.daemon.start()


class Caller(threading.Thread):
    """Calls without a pause, on one connection or on a new one each time."""

    def __init__(self, path, fresh):
        super().__init__(daemon=True)
        self.path, self.fresh, self.count, self.failures, self.ends = path, fresh, 0, [], False

    def run(self):
        channel = None
        while not self.ends:
            channel = channel or grpc.insecure_channel(
                f"unix://{self.path}",
                options=[("grpc.default_authority", "localhost"), ("grpc.use_local_subchannel_pool", 1)])
            call = channel.unary_unary("/runtime.v1.RuntimeService/ListPodSandbox")
            try:
                call(b"", timeout=60)
                self.count += 1
            except grpc.RpcError as error:
                self.failures.append((time.monotonic(), error.code().name, error.details()))
            if self.fresh:
                channel.close()
                channel = None


def test_no_call_is_refused(passed):
    callers = [Caller(passed.path, fresh) for fresh in (True, False, True, False)]
    for caller in callers:
        caller.start()

    def move_on():
        counts = [caller.count for caller in callers]
        until(lambda: all(caller.count + len(caller.failures) > count + 3 for caller, count in zip(callers, counts)))

    move_on()
    for _ in range(10):
        passed.stop()
        passed.start()
        move_on()
    for caller in callers:
        caller.ends = True
        caller.join(90)
    assert [caller.failures for caller in callers] == [[], [], [], []]


@pytest.mark.native
def test_a_call_in_progress_is_answered_and_pods_go_on(passed, work, cgroup_parent):
    from harness.client import Client
    from harness.pods import Pods
    client = Client(passed.path)
    until(lambda: client.image(BUSYBOX))
    pods = Pods(client, work, cgroup_parent)
    pod = pods.run(network=pb.NODE)
    container = pod.start(command=SLEEP)
    answer = client.ExecSync.future(container_id=container, cmd=["/bin/sh", "-c", "sleep 2; echo done"], timeout=30)
    until(lambda: "sleep 2" in client.shell(container, "ps"))
    passed.stop()
    passed.start()
    assert answer.result().stdout == b"done\n"
    assert client.shell(container, "echo here") == "here\n"
    pods.remove()
    client.close()
