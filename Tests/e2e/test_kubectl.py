"""Exec, attach, cp and logs with real kubectls: SPDY from 1.20, WebSocket first from 1.36, and that one's SPDY."""

import hashlib
import itertools
import os
import pathlib
import signal
import subprocess
import time

import pytest

from harness.leaks import marked
from harness.schema import pb
from harness.waiting import until

# What a command sleeps, by which it is found.
marks = itertools.count(96400)


@pytest.fixture(scope="module")
def target(api, pod):
    """A container to exec in, by its pod's name."""
    config = pod.container()
    api.add(pod, **{pod.start(config): config})
    return pod.config.metadata.name


@pytest.fixture(scope="module")
def large(work):
    """A file of 100 MiB."""
    path = work / "large"
    with open(path, "wb") as file:
        for _ in range(100):
            file.write(os.urandom(1 << 20))
    yield path
    path.unlink()


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def started(api, pods, script, **options):
    """A pod of the test's own that kubectl knows; gives its name and its container."""
    pod = pods.run()
    config = pod.container(command=["/bin/sh", "-c", script], **options)
    container = pod.start(config)
    api.add(pod, **{container: config})
    return pod.config.metadata.name, container


# Exec


@pytest.mark.parametrize("expected", [0, 7, 137])
def test_exec(kubectl, target, expected):
    script = "read line; echo got $line; echo err >&2; " + ("kill -9 $$" if expected == 137 else f"exit {expected}")
    result = kubectl.run("exec", "-i", target, "--", "sh", "-c", script, input=b"word\n")
    assert result.returncode == expected
    assert result.stdout == b"got word\n" and result.stderr.startswith(b"err\n")


@pytest.mark.parametrize("expected", [0, 7, 137])
def test_exec_at_a_terminal(kubectl, target, expected):
    script = "tty; read line; echo got $line; " + ("kill -9 $$" if expected == 137 else f"exit {expected}")
    with kubectl.terminal("exec", "-it", target, "--", "sh", "-c", script) as terminal:
        terminal.expect(b"/dev/pts/")
        terminal.type(b"word\r")
        terminal.expect(b"word\r\ngot word\r\n")
        assert terminal.wait() == expected


def test_exec_tells_the_protocol(kubectl, target, api):
    kubectl.output("exec", target, "--", "true")
    assert [upgrade.protocol for upgrade in api.upgrades] == [
        "v5.channel.k8s.io" if kubectl.websocket else
        "v5.channel.k8s.io" if "spdy" in kubectl.variant else "v4.channel.k8s.io"]


def test_exec_without_a_program(kubectl, target):
    result = kubectl.run("exec", target, "--", "/no/such/program")
    assert result.returncode != 0 and b"no such file" in result.stderr + result.stdout


# An interrupt, and what Docker's own client detaches with: a command's to have, as on any other runtime.
KEYS = [b"\x03", b"\x10", b"\x10", b"\x11", b"x"]
SHOW_KEYS = "stty -icanon -isig -ixon -echo; echo ready; while :; do head -c 1 | od -An -tx1; done"


def press(terminal):
    terminal.expect(b"ready\r\n")
    for key in KEYS:
        terminal.type(key)
        terminal.expect(b"%02x" % ord(key))


def test_every_key_reaches_the_command(kubectl, target):
    with kubectl.terminal("exec", "-it", target, "--", "sh", "-c", SHOW_KEYS) as terminal:
        press(terminal)


def test_every_key_reaches_the_container(kubectl, api, pods):
    name, _ = started(api, pods, f"read line; {SHOW_KEYS}", stdin=True, tty=True)
    # 1.36 has keys of its own to detach with.
    options = [] if kubectl.variant == "1.20" else ["--detach-keys", "ctrl-a,ctrl-b"]
    with kubectl.terminal("attach", "-it", *options, name) as terminal:
        terminal.type(b"\r")
        press(terminal)


def test_large_input_comes_back(kubectl, target, large, work):
    back = work / "back"
    with open(large, "rb") as source, open(back, "wb") as sink:
        result = kubectl.run("exec", "-i", target, "--", "cat", stdin=source, stdout=sink, timeout=120)
    assert result.returncode == 0
    assert back.stat().st_size == 100 << 20 and digest(back) == digest(large)
    back.unlink()


def test_resize_reaches_the_command(kubectl, target):
    script = "trap 'stty size' WINCH; echo ready; sleep 1000 & while :; do wait; done"
    with kubectl.terminal("exec", "-it", target, "--", "sh", "-c", script, columns=91, rows=33) as terminal:
        terminal.expect(b"ready\r\n")
        for columns, rows in [(123, 45), (50, 20)]:
            terminal.resize(columns, rows)
            terminal.expect(b"%d %d\r\n" % (rows, columns))
        terminal.type(b"\x03")
        assert terminal.wait() == 130


@pytest.mark.fender  # the reference leaves it
@pytest.mark.parametrize("script", ["sleep 1000", "sleep 1000 & sleep 1000", "yes"])
def test_a_killed_kubectl_leaves_no_process(kubectl, target, script):
    mark = str(next(marks))
    command = f"{script.replace('1000', mark)}; true"
    process = kubectl.start("exec", "-i", target, "--", "sh", "-c", command, mark, stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    until(lambda: len(marked(mark)) >= 2 + script.count("1000"))  # kubectl is one, the shell another
    if script == "yes":
        process.stdout.read(1)
    process.kill()
    process.communicate()
    until(lambda: not marked(mark))


@pytest.mark.fender
def test_a_kubectl_killed_at_its_terminal_leaves_no_process(kubectl, target):
    mark = str(next(marks))
    with kubectl.terminal("exec", "-it", target, "--", "sh", "-c", f"sleep {mark} & sleep {mark}; true"):
        until(lambda: len(marked(mark)) == 2)
    until(lambda: not marked(mark))


def written(mark):
    """The bytes that all processes with `mark` as an argument have written so far."""
    return [pathlib.Path(f"/proc/{pid}/io").read_text().split("wchar: ")[1].split()[0] for pid in sorted(marked(mark))]


@pytest.mark.fender
def test_a_stalled_kubectl_does_not_keep_its_container(kubectl, api, pods, client):
    name, container = started(api, pods, "sleep 1000")
    mark = str(next(marks))
    process = kubectl.start("exec", name, "--", "sh", "-c", "yes; true", mark, stdout=subprocess.PIPE)
    try:
        process.stdout.read(1)
        until(lambda: written(mark) == (time.sleep(0.3), written(mark))[1], what="nobody writes any more")
        client.StopContainer(container_id=container, timeout=0)
        assert client.status(container).state == pb.CONTAINER_EXITED
    finally:
        process.kill()
        process.communicate()


# Attach

LINES = "while read line; do echo got $line; [ $line = end ] && exit 3; done"


def test_attach_and_detach(kubectl, api, pods, client):
    name, container = started(api, pods, LINES, stdin=True)
    for word in (b"one", b"two", b"end"):
        process = kubectl.start("attach", "-i", name, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        process.stdin.write(word + b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"got " + word + b"\n"
        if word != b"end":
            process.kill()
        assert process.wait(20) == (0 if word == b"end" else -signal.SIGKILL)
        process.communicate()
        assert client.status(container).state == pb.CONTAINER_RUNNING or word == b"end"
    until(lambda: client.status(container).exit_code == 3)


def test_attach_at_a_terminal(kubectl, api, pods, client):
    script = "trap 'stty size' WINCH; while :; do read line && echo got $line; [ $line = end ] && exit 3; done"
    name, container = started(api, pods, script, stdin=True, tty=True)
    for word, columns in [(b"one", 111), (b"two", 112)]:
        with kubectl.terminal("attach", "-it", name, columns=columns) as terminal:
            terminal.expect(b"24 %d\r\n" % columns)
            terminal.type(word + b"\r")
            terminal.expect(b"got " + word + b"\r\n")
            if kubectl.variant != "1.20":
                terminal.type(b"\x10\x11")
                terminal.wait()
    assert client.status(container).state == pb.CONTAINER_RUNNING
    with kubectl.terminal("attach", "-it", name, columns=100) as terminal:
        terminal.type(b"end\r")
        assert terminal.wait() == 0
    until(lambda: client.status(container).exit_code == 3)


def test_the_end_of_input_ends_a_container_that_reads_it_once(kubectl, api, pods, client):
    name, container = started(api, pods, "cat; echo over", stdin=True, stdin_once=True)
    result = kubectl.run("attach", "-i", name, input=b"some\n")
    assert result.returncode == 0 and result.stdout.endswith(b"some\nover\n")
    until(lambda: client.status(container).state == pb.CONTAINER_EXITED)


# Files and logs


def test_files_are_copied_both_ways(kubectl, target, tmp_path):
    there = tmp_path / "there"
    (there / "sub").mkdir(parents=True)
    for path, size in [("small", 10), ("empty", 0), ("sub/large", 3 << 20)]:
        (there / path).write_bytes(os.urandom(size))
    kubectl.output("cp", there, f"{target}:/tmp/{kubectl.variant}")
    kubectl.output("cp", f"{target}:/tmp/{kubectl.variant}", tmp_path / "back")
    contents = lambda root: {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert contents(tmp_path / "back") == contents(there)


def test_logs(kubectl, api, pods):
    name, _ = started(api, pods, "echo first; printf second")
    until(lambda: kubectl.output("logs", name) == b"first\nsecond")
