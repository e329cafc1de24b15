"""Fender and containerd side by side on this machine, in ratios (`make bench`); not part of the tests.

The two take turns call by call, so that what else the machine does slows both alike.
"""

import statistics
import time

import pytest

from harness import images, servers
from harness.pods import Pods
from harness.schema import pb

PODS, CONTAINERS, ROUNDS = 20, 2, 50


@pytest.fixture
def both(work, registry, network, docker, server, cgroup_parent):
    assert server.kind == "fender", "the benchmark is of Fender"
    other = work / "peer"
    other.mkdir()
    peer = servers.Containerd(other, servers.Network(other, 89), images.PAUSE).start()
    made = {}
    for each in (server, peer):
        each.client.PullImage(image=pb.ImageSpec(image=images.BUSYBOX))
        made[each.kind] = Pods(each.client, other / each.kind, cgroup_parent)
    yield made
    for pods in made.values():
        pods.remove()
    peer.stop()


def test_bench(both, capsys):
    steps = {kind: {} for kind in both}

    def timed(step, call):
        results = {}
        for kind, pods in both.items():
            began = time.perf_counter()
            results[kind] = call(kind, pods)
            steps[kind].setdefault(step, []).append(time.perf_counter() - began)
        return results

    for _ in range(PODS):
        pods = timed("RunPodSandbox", lambda kind, pods: pods.run())
        for number in range(CONTAINERS):
            made = timed("CreateContainer", lambda kind, _: pods[kind].create(name=f"c{number}"))
            timed("StartContainer", lambda kind, _: both[kind].client.StartContainer(container_id=made[kind]))
    for _ in range(ROUNDS):
        timed("ListPodSandbox", lambda _, pods: pods.client.ListPodSandbox())
        timed("ListContainers", lambda _, pods: pods.client.ListContainers())
        timed("ContainerStatus", lambda kind, pods: pods.client.ContainerStatus(container_id=made[kind]))
        timed("ExecSync", lambda kind, pods: pods.client.ExecSync(container_id=made[kind], cmd=["/bin/true"]))
    timed("StopPodSandbox", lambda kind, _: pods[kind].stop())
    with capsys.disabled():
        print(f"\n{PODS} pods of {CONTAINERS} containers; medians in ms")
        for step, times in steps["fender"].items():
            ours, theirs = (statistics.median(values) * 1e3 for values in (times, steps["containerd"][step]))
            print(f"  {step:16} fender {ours:8.2f}   containerd {theirs:8.2f}   ratio {ours / theirs:5.2f}")
