"""The life of a container, its process, and what it is listed as."""

import signal
import time

import pytest

from harness import images
from harness.client import refused
from harness.schema import pb
from harness.waiting import until


def ended(client, container, timeout=20):
    def status():
        found = client.status(container)
        return found.state == pb.CONTAINER_EXITED and found

    return until(status, timeout=timeout, what="the container has ended")


def catches(client, container, number):
    """Whether the first process has a handler for a signal."""
    caught = client.exec(container, "/bin/grep", "SigCgt", "/proc/1/status").split()[1]
    return int(caught, 16) >> (number - 1) & 1


def output(pod, client, **options):
    """What a container of this configuration prints before it ends."""
    config = pod.container(**options)
    container = pod.start(config)
    status = ended(client, container)
    assert status.exit_code == 0, status
    lines = pod.log(config).read_text().splitlines()
    return [line.split(" ", 3)[3] for line in lines]


def test_life(client, pods):
    pod = pods.run()
    config = pod.container(labels={"a": "1"}, annotations={"b": "2"})
    before = time.time_ns()
    container = pod.create(config)
    status = client.status(container)
    assert status.state == pb.CONTAINER_CREATED and status.id == container
    assert status.metadata == config.metadata
    assert before <= status.created_at <= time.time_ns()
    assert status.started_at == status.finished_at == 0

    client.StartContainer(container_id=container)
    status = client.status(container)
    assert status.state == pb.CONTAINER_RUNNING
    assert status.created_at <= status.started_at <= time.time_ns() and status.finished_at == 0

    # Until then the kernel keeps the signal from a first process.
    until(lambda: catches(client, container, signal.SIGTERM), what="the shell has set its trap")
    client.StopContainer(container_id=container, timeout=10)
    status = client.status(container)
    assert status.state == pb.CONTAINER_EXITED and status.exit_code == 0 and status.reason == "Completed"
    assert status.started_at <= status.finished_at <= time.time_ns()

    client.RemoveContainer(container_id=container)
    with refused("NOT_FOUND"):
        client.status(container)
    assert client.containers(id=container) == []


def test_each_answer_shows_the_change_before_it(client, pods):
    """What a call has done, a list and a status asked for after it tell."""
    pod = pods.run()
    for name in ("one", "two", "three"):
        container = pod.create(name=name)

        def shown():
            return [item.state for item in client.containers(id=container)] + [client.status(container).state]

        assert shown() == [pb.CONTAINER_CREATED] * 2
        client.StartContainer(container_id=container)
        assert shown() == [pb.CONTAINER_RUNNING] * 2
        client.StopContainer(container_id=container, timeout=0)
        assert shown() == [pb.CONTAINER_EXITED] * 2
        client.RemoveContainer(container_id=container)
        assert client.containers(id=container) == []


def test_status_tells_what_was_asked_for(client, pods):
    pod = pods.run()
    config = pod.container(labels={"a": "1"}, annotations={"b": "2"})
    container = pod.start(config)
    status, listed = client.status(container), client.containers(id=container)[0]
    assert status.image.image and status.image_ref
    assert status.log_path == str(pod.log(config))
    assert listed.pod_sandbox_id == pod.id and listed.metadata == config.metadata
    assert client.ContainerStatus(container_id=container, verbose=True).info
    assert not client.ContainerStatus(container_id=container).info


@pytest.mark.v1_36
def test_image_ids_agree(client, pods):
    container = pods.run().start()
    image = client.image(images.BUSYBOX)
    status, listed = client.status(container), client.containers(id=container)[0]
    assert status.image_id == listed.image_id == image.id
    assert status.image_ref == listed.image_ref


@pytest.mark.v1_36
def test_image_asked_for_by_id(client, pods):
    image = client.image(images.BUSYBOX)
    pod = pods.run()
    config = pod.container(image=image.id)
    config.image.user_specified_image = images.BUSYBOX
    container = pod.start(config)
    status = client.status(container)
    assert status.image_id == image.id
    assert status.image.user_specified_image in ("", images.BUSYBOX)


def test_filters(client, pods):
    here, there = pods.run(), pods.run()
    ours = {
        here.start(name="a", labels={"app": "x"}): "running", here.create(name="b", labels={"app": "y"}): "created",
        there.start(name="c", labels={"app": "x", "more": "1"}): "elsewhere",
    }
    names = {name: container for container, name in ours.items()}
    client.StopContainer(container_id=names["elsewhere"], timeout=0)

    def listed(**filters):
        return sorted(ours[item.id] for item in client.containers(**filters) if item.id in ours)

    def in_state(state):
        return pb.ContainerStateValue(state=state)

    assert listed() == ["created", "elsewhere", "running"]
    assert listed(id=names["created"]) == ["created"]
    assert listed(pod_sandbox_id=here.id) == ["created", "running"]
    assert listed(state=in_state(pb.CONTAINER_EXITED)) == ["elsewhere"]
    assert listed(state=in_state(pb.CONTAINER_RUNNING)) == ["running"]
    assert listed(state=in_state(pb.CONTAINER_CREATED)) == ["created"]
    assert listed(state=in_state(pb.CONTAINER_UNKNOWN)) == []
    assert listed(label_selector={"app": "x"}) == ["elsewhere", "running"]
    assert listed(label_selector={"app": "x", "more": "1"}) == ["elsewhere"]
    assert listed(label_selector={"app": "x"}, pod_sandbox_id=here.id, state=in_state(pb.CONTAINER_EXITED)) == []


# Command, arguments, environment, directory.


def test_the_images_own_command(client, pod):
    assert output(pod, client, image=images.pulled(client, images.DEFAULTS), command=()) == ["entry command"]


def test_arguments_alone_keep_the_entrypoint(client, pod):
    assert output(pod, client, image=images.pulled(client, images.DEFAULTS), command=(), args=["mine", "$(x)"]) == ["entry mine $(x)"]


def test_a_command_drops_the_images_arguments(client, pod):
    assert output(pod, client, image=images.pulled(client, images.DEFAULTS), command=["/bin/echo", "mine"]) == ["mine"]


def test_environment(client, pod):
    lines = output(pod, client, image=images.pulled(client, images.DEFAULTS), command=["/bin/env"],
                   env={"BOTH": "container", "ODD": "a=b c", "EMPTY": ""})
    assert {"FROM_IMAGE=yes", "BOTH=container", "ODD=a=b c", "EMPTY="} <= set(lines)


@pytest.mark.parametrize("asked, found", [("", "/home/sailor"), ("/tmp", "/tmp"), ("/made/for/it", "/made/for/it")])
def test_directory(client, pod, asked, found):
    assert output(pod, client, image=images.pulled(client, images.DEFAULTS), command=["/bin/pwd"], working_dir=asked) == [found]


def test_terminal(client, pod):
    assert output(pod, client, command=["/bin/sh", "-c", "test -t 1 && echo terminal"], tty=True) == ["terminal\r"] or \
        output(pod, client, command=["/bin/sh", "-c", "test -t 1 && echo terminal"], tty=True) == ["terminal"]


# How it ends.


@pytest.mark.parametrize("script, code", [("exit 0", 0), ("exit 3", 3), ("exit 255", 255), ("kill -9 $$", 137)])
def test_exit_codes(client, pod, script, code):
    # As PID 1 a shell cannot kill itself, so a child of it does and the code is handed on.
    container = pod.start(name="exits", command=["/bin/sh", "-c", f"(/bin/sh -c '{script}'); exit $?"])
    status = ended(client, container)
    assert status.exit_code == code
    assert status.reason == ("Completed" if code == 0 else "Error")


def test_out_of_memory_is_told(client, pods):
    container = pods.run().start(
        command=["/bin/sh", "-c", "/bin/tail /dev/zero"],
        resources={"memory_limit_in_bytes": 16 << 20, "memory_swap_limit_in_bytes": 16 << 20})
    status = ended(client, container, timeout=60)
    assert status.exit_code == 137 and status.reason == "OOMKilled"


def test_no_such_command(client, pods):
    pod = pods.run()
    container = pod.create(command=["/no/such/program"])
    with refused(match="no such file"):
        client.StartContainer(container_id=container)
    status = client.status(container)
    assert status.state in (pb.CONTAINER_EXITED, pb.CONTAINER_CREATED)
    if status.state == pb.CONTAINER_EXITED:
        assert status.exit_code != 0 and status.reason and status.message


def test_the_unknown(client):
    client.RemoveContainer(container_id="0" * 64)
    for method in ("ContainerStatus", "StartContainer", "ReopenContainerLog", "UpdateContainerResources"):
        with refused("NOT_FOUND"):
            getattr(client, method)(container_id="0" * 64)
    with refused("NOT_FOUND"):
        client.ExecSync(container_id="0" * 64, cmd=["true"])


def test_start_twice_is_refused(client, pods):
    container = pods.run().start()
    with refused():
        client.StartContainer(container_id=container)
    assert client.status(container).state == pb.CONTAINER_RUNNING


def test_incomplete_requests_are_refused(client, pod):
    for config in (pb.ContainerConfig(), None, pb.ContainerConfig(metadata=pb.ContainerMetadata(name="x"))):
        with refused():
            client.CreateContainer(pod_sandbox_id=pod.id, config=config, sandbox_config=pod.config)
    with refused():
        client.CreateContainer(pod_sandbox_id="0" * 64, config=pod.container(), sandbox_config=pod.config)


def test_absent_image_is_refused(client, pod):
    with refused():
        pod.create(image="127.0.0.1:5000/never/pulled:1")


def test_next_attempt_beside_the_first(client, pods):
    pod = pods.run()
    first = pod.start(command=["/bin/false"])
    ended(client, first)
    second = pod.start()
    assert {item.metadata.attempt for item in client.containers(pod_sandbox_id=pod.id)} == {0, 1}
    assert client.status(second).metadata.attempt == 1


def test_many_at_once(client, pods):
    pod = pods.run()
    configs = [pod.container(name=f"c{number}") for number in range(8)]
    calls = []
    for config in configs:
        pod.log(config).parent.mkdir(parents=True)
        calls.append(client.CreateContainer.future(pod_sandbox_id=pod.id, config=config, sandbox_config=pod.config))
    containers = [call.result().container_id for call in calls]
    for call in [client.StartContainer.future(container_id=container) for container in containers]:
        call.result()
    assert {item.id for item in client.containers(pod_sandbox_id=pod.id, state=pb.ContainerStateValue(
        state=pb.CONTAINER_RUNNING))} == set(containers)
