"""ExecSync: output, exit codes, limits, and nothing left behind."""

import time

import pytest

from harness.client import refused
from harness.schema import pb
from harness.waiting import until


@pytest.fixture(scope="module")
def container(pod):
    return pod.start()


def test_output_and_exit_code(client, container):
    answer = client.ExecSync(
        container_id=container, cmd=["/bin/sh", "-c", "echo out; echo err >&2; printf '\\0\\377'; exit 4"])
    assert answer.stdout == b"out\n\0\xff" and answer.stderr == b"err\n" and answer.exit_code == 4


@pytest.mark.parametrize("code", [0, 1, 126, 255])
def test_exit_codes(client, container, code):
    assert client.ExecSync(container_id=container, cmd=["/bin/sh", "-c", f"exit {code}"]).exit_code == code


def test_death_by_signal(client, container):
    assert client.ExecSync(container_id=container, cmd=["/bin/sh", "-c", "kill -9 $$"]).exit_code == 137


def test_no_terminal_and_no_input(client, container):
    script = "test -t 0 || test -t 1 || echo none; /bin/cat"
    assert client.shell(container, script, timeout=10) == "none\n"


def test_missing_program(client, container):
    """Either the call fails or the exit code says so; never success."""
    import grpc
    try:
        answer = client.ExecSync(container_id=container, cmd=["/no/such/program"])
    except grpc.RpcError as error:
        assert "no such file" in error.details().lower()
    else:
        assert answer.exit_code in (126, 127)


def test_no_command(client, container):
    with refused():
        client.ExecSync(container_id=container, cmd=[])


def test_runs_in_the_containers_environment(client, pod):
    container = pod.start(name="environment", env={"A": "b"}, working_dir="/tmp", security={
        "run_as_user": pb.Int64Value(value=1000)})
    assert client.shell(container, "echo $A; /bin/pwd; /bin/id -u") == "b\n/tmp\n1000\n"


def test_large_output(client, container):
    answer = client.ExecSync(container_id=container, cmd=["/bin/sh", "-c", "/bin/yes | /bin/head -c 5000000"])
    assert answer.stdout == b"y\n" * 2500000


@pytest.mark.fender
def test_output_past_the_limit_is_dropped(client, container):
    """32 MiB to each stream: the command ends well, and the answer still fits into a message."""
    script = "/bin/yes | /bin/head -c 33554432; /bin/yes | /bin/head -c 33554432 >&2; exit 5"
    answer = client.ExecSync(container_id=container, cmd=["/bin/sh", "-c", script], timeout=60)
    assert answer.exit_code == 5
    assert len(answer.stdout) + len(answer.stderr) <= 16 << 20
    assert len(answer.stdout) > 1 << 20


def test_timeout_ends_the_command(client, container):
    marker = "31415"
    began = time.monotonic()
    with refused("DEADLINE_EXCEEDED"):
        client.ExecSync(container_id=container, cmd=["/bin/sleep", marker], timeout=1)
    assert 0.9 < time.monotonic() - began < 15
    until(lambda: not running(client, container, marker))


@pytest.mark.fender
def test_timeout_ends_what_the_command_started(client, pods):
    container = pods.run().start()
    script = "(/bin/sleep 27182 &); /bin/setsid /bin/sleep 27182 & trap '' TERM HUP; /bin/sleep 27182; /bin/sleep 27182"
    with refused("DEADLINE_EXCEEDED"):
        client.ExecSync(container_id=container, cmd=["/bin/sh", "-c", script], timeout=1)
    until(lambda: not running(client, container, "27182"))
    assert client.status(container).state == pb.CONTAINER_RUNNING


def running(client, container, marker):
    return marker in client.shell(container, "/bin/cat /proc/[0-9]*/cmdline | /bin/tr '\\0' ' '", timeout=10).replace(
        f"grep {marker}", "")


def test_zero_means_no_timeout(client, container):
    assert client.exec(container, "/bin/sleep", "2", timeout=0) == ""


def test_needs_a_running_container(client, pod):
    created = pod.create(name="created")
    with refused():
        client.ExecSync(container_id=created, cmd=["/bin/true"])
    stopped = pod.start(name="stopped")
    client.StopContainer(container_id=stopped, timeout=0)
    with refused():
        client.ExecSync(container_id=stopped, cmd=["/bin/true"])


def test_the_container_ends_meanwhile(client, pods):
    container = pods.run().start()
    call = client.ExecSync.future(container_id=container, cmd=["/bin/sleep", "600"])
    until(lambda: "600" in client.shell(container, "/bin/cat /proc/[0-9]*/cmdline | /bin/tr '\\0' ' '"))
    client.StopContainer(container_id=container, timeout=0)
    import grpc
    try:
        assert call.result(timeout=20).exit_code != 0
    except grpc.RpcError as error:
        assert error.code() != grpc.StatusCode.DEADLINE_EXCEEDED


def test_the_client_goes_away(client, pods):
    """A cancelled call ends; the server goes on answering."""
    container = pods.run().start()
    call = client.ExecSync.future(container_id=container, cmd=["/bin/sleep", "16180"], timeout=2)
    until(lambda: running(client, container, "16180"))
    call.cancel()
    assert client.shell(container, "echo on") == "on\n"
    until(lambda: not running(client, container, "16180"))


def test_many_at_once(client, container):
    calls = [client.ExecSync.future(container_id=container, cmd=["/bin/echo", str(number)]) for number in range(20)]
    assert [call.result().stdout for call in calls] == [f"{number}\n".encode() for number in range(20)]
