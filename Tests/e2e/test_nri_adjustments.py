"""Plugins of the Node Resource Interface: what they may change, and what they may not."""

import os

import grpc
import pytest

from harness.nri import adjusting
from harness.schema import nri, pb
from harness.waiting import until
from test_containers import ended, output
from test_resources import LIMITS, MIB, limit

pytestmark = pytest.mark.fender


def changing(container, ignore_failure=False, **cpu):
    return nri.ContainerUpdate(
        container_id=container, ignore_failure=ignore_failure,
        linux=nri.LinuxContainerUpdate(resources=nri.LinuxResources(cpu=nri.LinuxCPU(**cpu))))


def test_environment_arguments_and_annotations(client, pods, plugin):
    told = plugin(CreateContainer=adjusting(
        env=[nri.KeyValue(key="A", value="new"), nri.KeyValue(key="-B"), nri.KeyValue(key="C", value="3")],
        args=["/bin/sh", "-c", "echo $A-$B-$C; exit 0"], annotations={"who": "plugin", "-old": ""}))
    pod = pods.run()
    config = pod.container(env={"A": "1", "B": "2"}, annotations={"old": "1", "kept": "2"})
    container = pod.start(config)
    ended(client, container)
    assert pod.log(config).read_text().split(" ", 3)[3] == "new--3\n"
    until(lambda: "StopContainer" in told.about(container))
    last = [request for request in told.methods("StopContainer") if request.container.id == container][-1]
    assert last.container.annotations["who"] == "plugin" and last.container.annotations["kept"] == "2"
    assert "old" not in last.container.annotations
    # The kubelet's own are the kubelet's.
    assert client.status(container).annotations == {"old": "1", "kept": "2"}


def test_variables_of_the_image_go(client, pods, plugin):
    plugin(CreateContainer=adjusting(env=[nri.KeyValue(key="-PATH")]))
    pod = pods.run()
    assert output(pod, client, command=["/bin/busybox", "env"]) and "PATH" not in " ".join(
        line.split("=")[0] for line in output(pod, client, command=["/bin/busybox", "env"]))


def test_mounts(client, work, pods, plugin):
    source = work / "nri-mounted"
    source.mkdir(exist_ok=True)
    (source / "file").write_text("hello")
    plugin(CreateContainer=adjusting(mounts=[
        nri.Mount(destination="/from/plugin", type="bind", source=str(source), options=["rbind", "ro", "rprivate"]),
        nri.Mount(destination="/scratch", type="tmpfs", source="tmpfs", options=["nosuid", "size=1m"]),
        nri.Mount(destination="-/unwanted")]))
    pod = pods.run()
    container = pod.start(mounts=[pb.Mount(container_path="/unwanted", host_path=str(source))])
    assert client.exec(container, "/bin/cat", "/from/plugin/file") == "hello"
    lines = client.exec(container, "/bin/cat", "/proc/self/mountinfo").splitlines()
    points = {line.split()[4]: line for line in lines}
    assert " ro," in points["/from/plugin"] and "tmpfs" in points["/scratch"] and "/unwanted" not in points


def test_limits(client, pods, plugin):
    plugin(CreateContainer=adjusting(linux=nri.LinuxContainerAdjustment(
        resources=nri.LinuxResources(
            cpu=nri.LinuxCPU(shares=nri.OptionalUInt64(value=300), cpus="1"),
            memory=nri.LinuxMemory(limit=nri.OptionalInt64(value=96 * MIB)), pids=nri.LinuxPids(limit=77)),
        oom_score_adj=nri.OptionalInt(value=500)),
        rlimits=[nri.POSIXRlimit(type="RLIMIT_NOFILE", hard=333, soft=222)]))
    pod = pods.run()
    container = pod.start(resources=LIMITS)
    expected = {**LIMITS, "cpu_shares": 300, "cpuset_cpus": "1", "memory_limit_in_bytes": 96 * MIB}
    assert {field: limit(pod, container, field) for field in LIMITS} == expected
    told = client.status(container).resources.linux
    assert {field: getattr(told, field) for field in LIMITS} == expected
    assert client.exec(container, "/bin/cat", "/proc/1/oom_score_adj").strip() == "500"
    assert client.exec(container, "/bin/sh", "-c", "ulimit -n -S < /dev/null; cat /proc/1/limits | grep files")
    line = [line for line in client.exec(container, "/bin/cat", "/proc/1/limits").splitlines() if "open files" in line]
    assert line[0].split()[3:5] == ["222", "333"]


def test_devices(client, pods, plugin):
    null = os.stat("/dev/null")
    plugin(CreateContainer=adjusting(linux=nri.LinuxContainerAdjustment(devices=[nri.LinuxDevice(
        path="/dev/of-plugin", type="c", major=os.major(null.st_rdev), minor=os.minor(null.st_rdev))])))
    container = pods.run().start()
    assert client.exec(container, "/bin/sh", "-c", "echo x > /dev/of-plugin && stat -c %t:%T /dev/of-plugin") == "1:3\n"


@pytest.mark.native
def test_hooks(client, work, pods, plugin):
    trace = work / "nri-hook"
    plugin(CreateContainer=adjusting(hooks=nri.Hooks(create_runtime=[
        nri.Hook(path="/bin/sh", args=["sh", "-c", f"cat > {trace}"])])))
    container = pods.run().start()
    assert container in trace.read_text()
    trace.unlink()


@pytest.mark.docker
@pytest.mark.parametrize("name, adjustment", [
    ("OCI hooks", dict(hooks=nri.Hooks(prestart=[nri.Hook(path="/bin/true")]))),
    ("a cgroup path", dict(linux=nri.LinuxContainerAdjustment(cgroups_path="/x"))),
    ("a scheduler", dict(linux=nri.LinuxContainerAdjustment(
        scheduler=nri.LinuxScheduler(policy=nri.SCHED_BATCH)))),
])
def test_what_docker_cannot_do_is_refused(client, pods, plugin, name, adjustment):
    plugin(CreateContainer=adjusting(**adjustment))
    pod = pods.run()
    with pytest.raises(grpc.RpcError, match=f"{name}: Docker's API has no word") as error:
        pod.create()
    assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert client.containers(pod_sandbox_id=pod.id) == []


def test_wrong_adjustments_fail_the_creation_alone(client, pods, plugin):
    told = plugin(CreateContainer=adjusting(mounts=[
        nri.Mount(destination="/m", type="bind", source="/there/is/none", options=["rbind"])]))
    pod = pods.run()
    with pytest.raises(grpc.RpcError, match="no such file"):
        pod.create()
    assert client.containers(pod_sandbox_id=pod.id) == []
    # What was asked about and will not be is told of.
    [create] = told.methods("CreateContainer")
    assert told.about(create.container.id)[-2:] == ["StopContainer", "RemoveContainer"]


def test_plugins_are_asked_in_order_and_see_what_others_did(client, pods, plugin):
    order = []

    def asking(name, value):
        def answer(request):
            order.append((name, [entry for entry in request.container.env if entry.startswith("N_")]))
            return {"adjust": nri.ContainerAdjustment(env=[nri.KeyValue(key=f"N_{name}", value=value)])}
        return answer

    plugin(name="last", index="90", CreateContainer=asking("last", "3"))
    plugin(name="first", index="00", CreateContainer=asking("first", "1"))
    container = pods.run().start()
    assert order[:2] == [("first", []), ("last", ["N_first=1"])]
    environment = client.exec(container, "/bin/cat", "/proc/1/environ").split("\0")
    assert {"N_first=1", "N_last=3"} <= {*environment}


def test_a_conflict_fails_the_creation(client, pods, plugin):
    plugin(name="one", index="00", CreateContainer=adjusting(env=[nri.KeyValue(key="X", value="1")]))
    other = plugin(name="two", index="10", CreateContainer=adjusting(env=[nri.KeyValue(key="X", value="2")]))
    pod = pods.run()
    with pytest.raises(grpc.RpcError, match="00-one.*10-two|10-two.*00-one"):
        pod.create()
    assert client.containers(pod_sandbox_id=pod.id) == []
    other.handlers.clear()
    pod.start()


def test_a_validator_rejects(client, pods, plugin):
    plugin(name="adjuster", index="00", CreateContainer=adjusting(env=[nri.KeyValue(key="X", value="1")]))
    plugin(name="validator", index="10", ValidateContainerAdjustment=lambda request: {
        "reject": any(entry.key == "X" for entry in request.adjust.env), "reason": "X is mine"})
    pod = pods.run()
    with pytest.raises(grpc.RpcError, match="X is mine"):
        pod.create()
    assert client.containers(pod_sandbox_id=pod.id) == []


# Other containers.


def test_updates_of_other_containers(client, pods, plugin):
    told = plugin()
    pod = pods.run()
    first = pod.start(resources=LIMITS)
    told.handlers["CreateContainer"] = lambda _: {"update": [changing(first, shares=nri.OptionalUInt64(value=111))]}
    second = pod.start(name="second")
    assert limit(pod, first, "cpu_shares") == 111
    told.handlers["StopContainer"] = lambda _: {"update": [changing(first, shares=nri.OptionalUInt64(value=222))]}
    client.StopContainer(container_id=second, timeout=0)
    assert limit(pod, first, "cpu_shares") == 222
    told.handlers["UpdateContainer"] = lambda _: {"update": [changing(first, cpus="1")]}
    client.UpdateContainerResources(container_id=first, linux=pb.LinuxContainerResources(cpu_shares=333))
    assert (limit(pod, first, "cpu_shares"), limit(pod, first, "cpuset_cpus")) == (333, "1")
    assert client.status(first).resources.linux.cpuset_cpus == "1"


def test_updates_by_the_plugin_itself(client, pods, plugin):
    told = plugin()
    pod = pods.run()
    container = pod.start(resources=LIMITS)
    failed = told.update(
        changing(container, shares=nri.OptionalUInt64(value=444)), changing("f" * 64, cpus="0"),
        changing("e" * 64, cpus="0", ignore_failure=True))
    assert [update.container_id[0] for update in failed] == ["f", "e"]
    assert limit(pod, container, "cpu_shares") == 444


def test_evictions(client, pods, plugin):
    told = plugin()
    pod = pods.run()
    containers = [pod.start(name=f"c{number}") for number in range(2)]
    told.update(evict=[nri.ContainerEviction(container_id=containers[0], reason="no room")])
    ended(client, containers[0])
    told.handlers["CreateContainer"] = lambda _: {"evict": [nri.ContainerEviction(container_id=containers[1])]}
    pod.create(name="third")
    ended(client, containers[1])
    until(lambda: "StopContainer" in told.about(containers[1]))


# Coming and going.
