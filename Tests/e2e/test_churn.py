"""Pods come and go while the server, or Docker, is killed again and again: in the end nothing is lost or left."""

import contextlib
import random
import threading
import time

import grpc
import pytest

from harness import leaks
from harness.pods import SLEEP, Pod
from harness.schema import pb
from harness.waiting import until

pytestmark = pytest.mark.fender
SEED = 20261124
WORKERS = 2


class Dead(Exception):
    """The sandbox ended with its Docker: a kubelet makes another."""


class Kubelet(threading.Thread):
    """Makes and ends pods for as long as it is wanted, and repeats what fails, as a kubelet does."""

    def __init__(self, pods, may_die):
        super().__init__()
        self.client, self.pods = pods.client, pods
        self.may_die = may_die
        self.enough = threading.Event()
        self.cycles = 0
        self.failure = None

    def run(self):
        try:
            while not self.enough.is_set():
                self.cycle()
                self.cycles += 1
        except BaseException as failure:
            self.failure = failure

    def cycle(self):
        pod = Pod(self.pods, self.pods.config(namespace="churn"))
        self.pods.made.append(pod)
        pod.id = self.again(lambda: self.client.RunPodSandbox(config=pod.config, deadline=30)).pod_sandbox_id
        try:
            self.fill(pod)
        except Dead:
            assert self.may_die, "a sandbox died"
        self.again(lambda: self.client.StopPodSandbox(pod_sandbox_id=pod.id, deadline=30))
        self.again(lambda: self.client.RemovePodSandbox(pod_sandbox_id=pod.id, deadline=30))

    def fill(self, pod):
        config = pod.container(command=SLEEP)
        pod.log(config).parent.mkdir(parents=True)
        container = self.again(lambda: self.client.CreateContainer(
            pod_sandbox_id=pod.id, config=config, sandbox_config=pod.config, deadline=30), pod).container_id
        self.again(lambda: self.started(container), pod)
        self.again(lambda: self.client.StopContainer(container_id=container, timeout=1, deadline=30))

    def started(self, container):
        if self.client.status(container).state == pb.CONTAINER_CREATED:
            self.client.StartContainer(container_id=container, deadline=30)
        return True

    def alive(self, pod):
        return self.client.PodSandboxStatus(pod_sandbox_id=pod.id).status.state == pb.SANDBOX_READY

    def again(self, call, pod=None):
        """Repeats a call until it succeeds: as long as there are kills, and a minute after the last."""
        deadline = None
        while True:
            try:
                return call()
            except grpc.RpcError as error:
                last = f"{error.code().name}: {error.details()}"
            with contextlib.suppress(grpc.RpcError):
                if pod and not self.alive(pod):
                    raise Dead
            if deadline is None and self.enough.is_set():
                deadline = time.monotonic() + 60
            assert deadline is None or time.monotonic() < deadline, f"a call still fails after a minute: {last}"
            time.sleep(0.1)


@pytest.mark.parametrize("victim", ["server", pytest.param("docker", marks=pytest.mark.docker)])
def test_killed_again_and_again(client, server, docker, pods, cgroup_parent, request, victim):
    kills = request.config.getoption("--kills")
    chance = random.Random(f"{SEED}{victim}")
    may_die = victim == "docker" and not docker.live_restore
    kubelets = [Kubelet(pods, may_die) for _ in range(WORKERS)]
    for kubelet in kubelets:
        kubelet.start()
    try:
        for _ in range(kills if victim == "server" else max(1, kills // 5)):
            time.sleep(chance.uniform(0.05, 3))  # the moment of the kill is the test's input
            if victim == "server":
                server.daemon.restart(tries=1)
            else:
                docker.daemon.restart()
    finally:
        for kubelet in kubelets:
            kubelet.enough.set()
        for kubelet in kubelets:
            kubelet.join()
    assert [kubelet.failure for kubelet in kubelets] == [None] * WORKERS
    assert all(kubelet.cycles for kubelet in kubelets)
    assert [item.id for item in client.sandboxes() if item.metadata.namespace == "churn"] == []
    assert [item.id for item in client.containers()] == []
    if victim == "docker":
        leaks.end_what_docker_forgot(docker, cgroup_parent)
