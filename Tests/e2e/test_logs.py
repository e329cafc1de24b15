"""Container logs in the CRI's format: whole, in order, through rotation and through the server's death."""

import re
import time

import pytest

from harness.client import refused
from harness.schema import pb
from harness.waiting import until

LINE = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) (stdout|stderr) ([PF]) (.*)$", re.S)


def parsed(data):
    """The log's lines as (stream, tag, content); every one must be of the format."""
    lines = data.decode().split("\n")
    assert lines.pop() == "", "the last line is not ended"
    found = []
    for line in lines:
        match = LINE.match(line)
        assert match, line[:200]
        found.append(match.groups()[1:])
    return found


def contents(data, stream="stdout"):
    """What the container wrote: parts joined, a newline after each whole line."""
    return "".join(text + ("\n" if tag == "F" else "") for name, tag, text in parsed(data) if name == stream)


def ran(client, pod, script, **options):
    """The log of a container that has ended."""
    config = pod.container(command=["/bin/sh", "-c", script], **options)
    container = pod.start(config)
    until(lambda: client.status(container).state == pb.CONTAINER_EXITED, timeout=60)
    return pod.log(config).read_bytes()


def test_streams_and_format(client, pod):
    log = ran(client, pod, "echo one; echo two >&2; echo; echo '  spaced  '")
    assert [line for line in parsed(log) if line[0] == "stdout"] == [
        ("stdout", "F", "one"), ("stdout", "F", ""), ("stdout", "F", "  spaced  ")]
    assert [line for line in parsed(log) if line[0] == "stderr"] == [("stderr", "F", "two")]


def test_times_rise(client, pod):
    times = [line.split(b" ")[0] for line in ran(client, pod, "echo a; /bin/sleep 0.1; echo b; echo c").splitlines()]
    assert times == sorted(times) and times[0] < times[1]


def test_complete_when_the_container_is_exited(client, pod):
    """As soon as the status says EXITED, the file holds every line."""
    log = ran(client, pod, "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done")
    assert contents(log) == "".join(f"line {number}\n" for number in range(20000))


@pytest.mark.parametrize("length", [16383, 16384, 16385, 40000, 100000])
def test_long_lines_come_in_parts(client, pod, length):
    log = ran(client, pod, f"/bin/head -c {length} /dev/zero | /bin/tr '\\0' x; echo")
    lines = parsed(log)
    assert [tag for _, tag, _ in lines[:-1]] == ["P"] * (len(lines) - 1) and lines[-1][1] == "F"
    assert all(len(text) <= 16384 for _, _, text in lines)
    assert contents(log) == "x" * length + "\n"


def test_end_without_newline(client, pod):
    log = ran(client, pod, "echo whole; printf rest")
    lines = parsed(log)
    assert lines[0] == ("stdout", "F", "whole") and lines[1][2] == "rest"
    assert len(lines) == 2


def test_bytes_that_are_no_text(client, pod):
    log = ran(client, pod, "printf 'tab\\there \\303\\274 \\360\\237\\232\\242\\n'")
    assert contents(log) == "tab\there ü 🚢\n"


def test_nothing_written(client, pod):
    assert ran(client, pod, "exit 0") == b""


def test_no_log_path(client, pods):
    """Without a directory or a path nothing is written, and the container runs all the same."""
    pod = pods.run()
    container = pod.start(pod.container(log_path=""))
    assert client.status(container).state == pb.CONTAINER_RUNNING
    assert client.status(container).log_path == ""


def counting(pod, name="counter"):
    """A container that writes a rising number about every 2 ms."""
    config = pod.container(
        name=name, command=["/bin/sh", "-c", "i=0; while :; do echo $i; i=$((i+1)); /bin/usleep 1000; done"])
    return config, pod.start(config)


def numbers(*logs):
    return [int(line) for log in logs for line in contents(log).split()]


def grown(path, beyond=0):
    return path.exists() and path.stat().st_size > beyond


def test_rotation(client, pods):
    """Renamed and reopened three times under way, the files together hold every line once."""
    pod = pods.run()
    config, container = counting(pod)
    log, parts = pod.log(config), []
    for turn in range(3):
        until(lambda: grown(log, 2000))
        parts.append(log.with_name(f"{log.name}.{turn}"))
        log.rename(parts[-1])
        client.ReopenContainerLog(container_id=container)
        assert log.exists()
    until(lambda: grown(log, 2000))
    client.StopContainer(container_id=container, timeout=0)
    found = numbers(*(part.read_bytes() for part in parts), log.read_bytes())
    assert found == list(range(len(found))) and len(found) > 100


def test_reopening_makes_a_missing_file(client, pods):
    pod = pods.run()
    config, container = counting(pod)
    until(lambda: grown(pod.log(config)))
    pod.log(config).unlink()
    client.ReopenContainerLog(container_id=container)
    until(lambda: grown(pod.log(config)))


def test_reopening_without_rotation_keeps_the_file(client, pods):
    pod = pods.run()
    config, container = counting(pod)
    until(lambda: grown(pod.log(config)))
    client.ReopenContainerLog(container_id=container)
    client.StopContainer(container_id=container, timeout=0)
    found = numbers(pod.log(config).read_bytes())
    assert found == list(range(len(found)))


def test_refused_reopening_makes_no_file(client, pods):
    pod = pods.run()
    config = pod.container()
    container = pod.start(config)
    client.StopContainer(container_id=container, timeout=0)
    pod.log(config).unlink(missing_ok=True)
    try:
        client.ReopenContainerLog(container_id=container)
    except Exception:
        assert not pod.log(config).exists()


@pytest.mark.fender
def test_killed_server_loses_and_doubles_nothing(client, server, pods):
    pod = pods.run()
    config, container = counting(pod)
    log = pod.log(config)
    for _ in range(4):
        size = log.stat().st_size if log.exists() else 0
        until(lambda: grown(log, size + 1000))
        server.restart(kill=True)
    size = log.stat().st_size
    until(lambda: grown(log, size + 1000))
    client.StopContainer(container_id=container, timeout=0)
    found = numbers(log.read_bytes())
    assert found == list(range(len(found))) and len(found) > 100


@pytest.mark.fender
def test_what_is_written_while_the_server_is_dead(client, server, pods):
    """The container writes and ends with no server there; the next one writes the log before it says EXITED."""
    pod = pods.run()
    config = pod.container(command=["/bin/sh", "-c", "echo before; /bin/sleep 1; echo after; exit 3"])
    container = pod.start(config)
    until(lambda: grown(pod.log(config)))
    server.daemon.stop(kill=True)
    time.sleep(1.5)  # not a wait: the time in which the container ends unseen
    server.daemon.start()
    until(lambda: client.status(container).state == pb.CONTAINER_EXITED)
    assert client.status(container).exit_code == 3
    assert contents(pod.log(config).read_bytes()) == "before\nafter\n"


@pytest.mark.fender
def test_rotation_across_a_restart(client, server, pods):
    """Renamed while no server is there: reopening afterwards goes on in a new file, and nothing is lost."""
    pod = pods.run()
    config, container = counting(pod)
    log = pod.log(config)
    until(lambda: grown(log, 1000))
    server.daemon.stop(kill=True)
    rotated = log.with_name(f"{log.name}.1")
    log.rename(rotated)
    server.daemon.start()
    client.ReopenContainerLog(container_id=container)
    until(lambda: grown(log, 1000))
    client.StopContainer(container_id=container, timeout=0)
    found = numbers(rotated.read_bytes(), log.read_bytes())
    assert found == list(range(len(found)))


def test_log_directory_that_cannot_be_written(client, pods):
    """A path below a file: either refused, or the container runs; the server lives."""
    config = pods.config()
    pod = pods.run(config)
    blocker = pod.log(pod.container(log_path="blocker"))
    blocker.write_text("")
    try:
        client.CreateContainer(
            pod_sandbox_id=pod.id, config=pod.container(log_path="blocker/0.log"), sandbox_config=config)
    except Exception:
        pass
    assert client.Version().version
    with refused():
        client.ReopenContainerLog(container_id="0" * 64)
