"""What the program shows of a running daemon, to people and to machines."""

import json
import pathlib
import subprocess

import pytest

from harness.images import BUSYBOX
from harness.pods import SLEEP

pytestmark = pytest.mark.v1_36


@pytest.fixture
def fender(request, server):
    """Runs a command of the program under test against the server."""
    def run(*arguments, code=0):
        program = pathlib.Path(request.config.getoption("--fender")).resolve()
        result = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60)
        assert result.returncode == code, (result.stdout, result.stderr)
        return result.stdout
    return lambda *arguments, **options: run(*arguments, "--endpoint", f"unix://{server.socket}", **options)


@pytest.fixture
def pod(pods):
    """A pod with a running container."""
    pod = pods.run(namespace="shown")
    pod.start(command=SLEEP)
    return pod


def rows(text):
    return [line.split() for line in text.splitlines()]


def test_ps(fender, pod, client):
    shown = rows(fender("ps", "--namespace", "shown"))
    assert shown[0][:4] == ["NAMESPACE", "POD", "CONTAINER", "STATE"]
    name = pod.config.metadata.name
    (line,) = [line for line in shown if name in line]
    assert line[0] == "shown" and line[3:5] == ["Running", "0"] and BUSYBOX in line
    assert client.containers(pod_sandbox_id=pod.id)[0].id.startswith(line[-1])
    client.StopPodSandbox(pod_sandbox_id=pod.id)
    assert name not in fender("ps") and name in fender("ps", "--all")


def test_ps_as_json(fender, pod):
    told = json.loads(fender("ps", "--json"))
    assert pod.id in [sandbox["id"] for sandbox in told["sandboxes"]]
    assert pod.id in [container["podSandboxId"] for container in told["containers"]]


def test_stats(fender, pods):
    pod = pods.run(namespace="busy")
    pod.start(command=["/bin/sh", "-c", "while :; do :; done"], name="burner")
    lines = rows(fender("stats", "--once", "--interval", "1", "--sort", "cpu"))
    title = next(number for number, line in enumerate(lines) if line[:1] == ["NAMESPACE"])
    burner = next(line for line in lines[title:] if "burner" in line)
    assert burner[:2] == ["busy", pod.config.metadata.name]
    assert 300 < int(burner[3].removesuffix("m")) < 1200
    told = json.loads(fender("stats", "--json"))
    assert "burner" in [stats["attributes"]["metadata"]["name"] for stats in told]


def test_images(fender, client):
    shown = rows(fender("images"))
    repository, tag = BUSYBOX.rsplit(":", 1)
    (line,) = [line for line in shown if line[:2] == [repository, tag]]
    ids = [image.id for image in client.ListImages().images]
    assert any(line[2] in id for id in ids)
    assert sorted(image["id"] for image in json.loads(fender("images", "list", "--json"))) == sorted(ids)


def test_nobody_there(request):
    program = pathlib.Path(request.config.getoption("--fender")).resolve()
    result = subprocess.run([program, "ps", "--endpoint", "/nowhere.sock"], capture_output=True, text=True, timeout=60)
    assert result.returncode == 1 and result.stderr.startswith("fender: Unavailable")


def test_check(request, server):
    program = pathlib.Path(request.config.getoption("--fender")).resolve()
    environment = {"FENDER_CONTAINER_RUNTIME_ENDPOINT": f"unix://{server.socket}",
                   "FENDER_RUNTIME": "docker" if server.docker else "native", "FENDER_CNI_CONF_DIR": "/nowhere"}
    if server.docker:
        environment["FENDER_DOCKER_ENDPOINT"] = f"unix://{server.docker.socket}"
    result = subprocess.run([program, "check", "--json"], env=environment, capture_output=True, text=True, timeout=60)
    found = json.loads(result.stdout)
    good = {line["text"] for line in found if line["result"] == "pass"}
    assert {"RuntimeReady", "NetworkReady"} <= good
    assert not server.docker or "live-restore: containers outlive the daemon" in good
    (missing,) = [line for line in found if line["text"].startswith("no CNI configuration")]
    assert missing["result"] == "fail" and missing["advice"] and result.returncode == 1
