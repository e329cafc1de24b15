"""How containers are ended: grace periods, stop signals, repeated and forced ends."""

import time

import pytest

from harness import images
from harness.schema import pb
from harness.waiting import until


def test_grace(client, pods):
    """The program gets its time, and no more than it needs."""
    container = pods.run().start(command=["/bin/sh", "-c", "trap 'sleep 1; exit 7' TERM; while :; do sleep 0.1; done"])
    began = time.monotonic()
    client.StopContainer(container_id=container, timeout=30)
    assert 0.9 < time.monotonic() - began < 15
    assert client.status(container).exit_code == 7


def test_end_of_grace(client, pods):
    container = pods.run().start(command=["/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done"])
    began = time.monotonic()
    client.StopContainer(container_id=container, timeout=2)
    assert 1.5 < time.monotonic() - began < 12
    assert client.status(container).exit_code == 137


def test_no_grace(client, pods):
    container = pods.run().start()
    client.StopContainer(container_id=container, timeout=0)
    assert client.status(container).exit_code == 137


def test_long_grace_is_taken(client, pods):
    """A grace longer than any client's patience is no error, and ends when the program does."""
    container = pods.run().start()
    client.StopContainer(container_id=container, timeout=100000)
    assert client.status(container).exit_code == 0


def test_a_shorter_stop_overtakes_a_longer(client, pods):
    container = pods.run().start(command=["/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done"])
    patient = client.StopContainer.future(container_id=container, timeout=600)
    until(lambda: patient.running())
    client.StopContainer(container_id=container, timeout=1)
    assert client.status(container).state == pb.CONTAINER_EXITED
    patient.result(timeout=20)


def test_the_images_stop_signal(client, pods):
    container = pods.run().start(
        image=images.pulled(client, images.DEFAULTS),
        command=["/bin/sh", "-c", "trap 'exit 9' USR1; trap 'exit 8' TERM; > /ready; while :; do sleep 0.1; done"])
    # Process 1 heeds no signal before it has said so.
    until(lambda: client.ExecSync(container_id=container, cmd=["test", "-e", "/ready"]).exit_code == 0)
    client.StopContainer(container_id=container, timeout=20)
    assert client.status(container).exit_code == 9


@pytest.mark.v1_36
def test_asked_stop_signal(client, pods):
    container = pods.run().start(
        command=["/bin/sh", "-c", "trap 'exit 9' HUP; trap 'exit 8' TERM; > /ready; while :; do sleep 0.1; done"],
        stop_signal=pb.SIGNAL_SIGHUP)
    until(lambda: client.ExecSync(container_id=container, cmd=["test", "-e", "/ready"]).exit_code == 0)
    assert client.status(container).stop_signal == pb.SIGNAL_SIGHUP
    client.StopContainer(container_id=container, timeout=20)
    assert client.status(container).exit_code == 9


@pytest.mark.v1_36
def test_usual_stop_signal_is_told(client, pods):
    assert client.status(pods.run().start()).stop_signal == pb.SIGNAL_SIGTERM


def test_repeated_stop_and_removal(client, pods):
    container = pods.run().start()
    for _ in range(3):
        client.StopContainer(container_id=container, timeout=0)
    for _ in range(3):
        client.RemoveContainer(container_id=container)


@pytest.mark.fender
def test_stop_of_one_that_never_ran(client, pods):
    client.StopContainer(container_id=pods.run().create(), timeout=0)


def test_removal_while_running(client, pods):
    container = pods.run().start()
    client.RemoveContainer(container_id=container)
    assert client.containers(id=container) == []


@pytest.mark.fender
def test_stop_of_the_unknown(client):
    client.StopContainer(container_id="0" * 64, timeout=0)
