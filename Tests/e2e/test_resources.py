"""Limits: those asked for stand in the container's cgroup, after an update too."""

import pathlib

import pytest

from harness.client import refused
from harness.schema import pb

MIB = 1 << 20
CONTROLLERS = pathlib.Path("/sys/fs/cgroup/cgroup.controllers")
UNIFIED = CONTROLLERS.exists()
HAS_CPUSET = not UNIFIED or "cpuset" in CONTROLLERS.read_text().split()
LIMITS = dict(cpu_period=100000, cpu_quota=50000, cpu_shares=512, memory_limit_in_bytes=64 * MIB,
              **({"cpuset_cpus": "0"} if HAS_CPUSET else {}))

# What a field is called and looks like in either version of cgroups.
FILES = {
    "cpu_quota": ("cpu/cpu.cfs_quota_us", "cpu.max"),
    "cpu_period": ("cpu/cpu.cfs_period_us", "cpu.max"),
    "cpu_shares": ("cpu/cpu.shares", "cpu.weight"),
    "memory_limit_in_bytes": ("memory/memory.limit_in_bytes", "memory.max"),
    "memory_swap_limit_in_bytes": ("memory/memory.memsw.limit_in_bytes", "memory.swap.max"),
    "cpuset_cpus": ("cpuset/cpuset.cpus", "cpuset.cpus"),
}


def limit(pod, container, field):
    """The value that the kernel holds the container to."""
    hierarchy, _, file = FILES[field][UNIFIED].rpartition("/")
    parent = pathlib.Path("/sys/fs/cgroup", hierarchy, pod.config.linux.cgroup_parent.lstrip("/"))
    text = next(parent.glob(f"*{container}*/{file}")).read_text().strip()
    if file == "cpu.max":
        return int(text.split()[field == "cpu_period"])
    return text if field == "cpuset_cpus" else int(text)


def stands(pod, container, limits):
    """Whether the kernel holds the container to these limits; v2 has weights for shares."""
    expected = {field: 1 + (value - 2) * 9999 // 262142 if UNIFIED and field == "cpu_shares" else value
                for field, value in limits.items()}
    return {field: limit(pod, container, field) for field in limits} == expected


def test_limits_stand_in_the_cgroup(client, pods):
    pod = pods.run()
    container = pod.start(resources=LIMITS)
    assert stands(pod, container, LIMITS)


def test_status_tells_the_limits(client, pods):
    container = pods.run().start(resources=LIMITS)
    told = client.status(container).resources.linux
    assert {field: getattr(told, field) for field in LIMITS} == LIMITS


def test_update(client, pods):
    pod = pods.run()
    container = pod.start(resources=LIMITS)
    changed = dict(cpu_period=50000, cpu_quota=100000, cpu_shares=1024, memory_limit_in_bytes=128 * MIB,
                   **({"cpuset_cpus": "0-1"} if HAS_CPUSET else {}))
    client.UpdateContainerResources(container_id=container, linux=pb.LinuxContainerResources(**changed))
    assert stands(pod, container, changed)
    told = client.status(container).resources.linux
    assert {field: getattr(told, field) for field in changed} == changed


def test_update_of_one_field_keeps_the_others(client, pods):
    pod = pods.run()
    container = pod.start(resources=LIMITS)
    client.UpdateContainerResources(container_id=container, linux=pb.LinuxContainerResources(cpu_shares=100))
    expected = {**LIMITS, "cpu_shares": 100}
    assert stands(pod, container, expected)


@pytest.mark.fender
def test_memory_grows_and_shrinks(client, pods):
    """Both limits have to move in the right order, for neither may pass the other on its way."""
    pod = pods.run()
    container = pod.start(resources=dict(memory_limit_in_bytes=64 * MIB))
    for size in (256 * MIB, 32 * MIB):
        client.UpdateContainerResources(container_id=container, linux=pb.LinuxContainerResources(memory_limit_in_bytes=size))
        assert limit(pod, container, "memory_limit_in_bytes") == size


def test_update_before_the_start(client, pods):
    pod = pods.run()
    container = pod.create(resources=LIMITS)
    client.UpdateContainerResources(container_id=container, linux=pb.LinuxContainerResources(cpu_shares=333))
    client.StartContainer(container_id=container)
    assert stands(pod, container, dict(cpu_shares=333))


@pytest.mark.fender
def test_impossible_update_changes_nothing(client, pods):
    pod = pods.run()
    container = pod.start(resources=LIMITS)
    with refused():
        client.UpdateContainerResources(
            container_id=container, linux=pb.LinuxContainerResources(cpu_shares=333, cpuset_cpus="77-78"))
    assert stands(pod, container, LIMITS)
    told = client.status(container).resources.linux
    assert {field: getattr(told, field) for field in LIMITS} == LIMITS


@pytest.mark.fender
def test_limits_survive_the_server(client, server, pods):
    pod = pods.run()
    container = pod.start(resources=LIMITS)
    client.UpdateContainerResources(container_id=container, linux=pb.LinuxContainerResources(cpu_shares=333))
    server.restart(kill=True)
    told = client.status(container).resources.linux
    assert (told.cpu_shares, told.memory_limit_in_bytes, told.cpuset_cpus) == (333, 64 * MIB, LIMITS.get("cpuset_cpus", ""))


def test_oom_score(client, pods):
    container = pods.run().start(resources=dict(oom_score_adj=500))
    assert client.exec(container, "/bin/cat", "/proc/1/oom_score_adj") == "500\n"


@pytest.mark.docker
def test_protected_from_oom_where_that_may_be_set(client, pods):
    """Without CAP_SYS_RESOURCE a negative score cannot be had: the container runs all the same."""
    container = pods.run().start(resources=dict(oom_score_adj=-997))
    assert int(client.exec(container, "/bin/cat", "/proc/1/oom_score_adj")) <= 0


@pytest.mark.fender
@pytest.mark.skipif(not UNIFIED, reason="needs cgroup v2")
def test_unified(client, pods):
    pod = pods.run()
    container = pod.start(resources=dict(unified={"memory.high": str(48 * MIB)}))
    assert client.exec(container, "/bin/cat", "/sys/fs/cgroup/memory.high") == f"{48 * MIB}\n"


@pytest.mark.fender
def test_huge_pages_are_taken_where_there_are_none(client, pods):
    """A kubelet sends a limit of 0 for every size the node has; where the kernel cannot limit them that is no error."""
    container = pods.run().start(resources=dict(hugepage_limits=[pb.HugepageLimit(page_size="2MB", limit=0)]))
    assert client.status(container).state == pb.CONTAINER_RUNNING


@pytest.mark.fender
@pytest.mark.parametrize("wrong", [
    dict(cpuset_cpus="nonsense"), dict(memory_limit_in_bytes=1), dict(cpu_quota=5), dict(cpu_period=1)], ids=str)
def test_impossible_limits_are_refused(client, pods, wrong):
    pod = pods.run()
    with refused():
        pod.start(resources=wrong)
