"""The client that people debug nodes with, where there is one: crictl on the PATH, or named by CRICTL."""

import json
import os
import shutil
import subprocess

import pytest

from harness import images
from harness.pods import SLEEP, remove_cgroup
from harness.waiting import until

CRICTL = shutil.which(os.environ.get("CRICTL", "crictl"))
pytestmark = pytest.mark.skipif(not CRICTL, reason="there is no crictl; CRICTL names one")


@pytest.fixture
def crictl(server):
    def crictl(*words, code=0):
        done = subprocess.run(
            [CRICTL, "--runtime-endpoint", f"unix://{server.socket}", "--image-endpoint", f"unix://{server.socket}",
             *map(str, words)], capture_output=True, text=True, timeout=60, env={"HOME": "/root", "PATH": os.environ["PATH"]})
        assert done.returncode == code, (words, done.stdout, done.stderr)
        return done.stdout
    return crictl


def test_what_the_node_is(crictl, client):
    assert client.Version().runtime_name in crictl("version")
    conditions = {item["type"]: item["status"] for item in json.loads(crictl("info"))["status"]["conditions"]}
    assert conditions == {"RuntimeReady": True, "NetworkReady": True}
    assert "mountpoint" in crictl("imagefsinfo")


def test_images(crictl, client):
    crictl("pull", images.SMALL)
    listed = json.loads(crictl("images", "--output", "json"))["images"]
    assert any(images.SMALL in image["repoTags"] for image in listed)
    assert json.loads(crictl("inspecti", images.SMALL))["status"]["id"] == client.image(images.SMALL).id
    crictl("rmi", images.SMALL)
    assert client.image(images.SMALL) is None


def test_a_pod_from_its_start_to_its_end(crictl, client, pods, tmp_path):
    config = pods.config()
    sandbox, container = tmp_path / "pod.json", tmp_path / "container.json"
    sandbox.write_text(json.dumps({
        "metadata": {"name": config.metadata.name, "uid": config.metadata.uid, "namespace": "tests"},
        "log_directory": config.log_directory, "linux": {"cgroup_parent": config.linux.cgroup_parent}}))
    container.write_text(json.dumps({
        "metadata": {"name": "main"}, "image": {"image": images.BUSYBOX}, "log_path": "main.log",
        "command": ["/bin/sh", "-c", "echo from crictl; " + SLEEP[2]]}))
    pod = crictl("runp", sandbox).strip()
    try:
        made = crictl("create", pod, container, sandbox).strip()
        crictl("start", made)
        assert made[:13] in crictl("ps") and pod[:13] in crictl("pods")
        assert json.loads(crictl("inspect", made))["status"]["state"] == "CONTAINER_RUNNING"
        assert json.loads(crictl("inspectp", pod))["status"]["network"]["ip"]
        assert crictl("exec", "--sync", made, "echo", "sync").strip() == "sync"
        assert crictl("exec", made, "echo", "streamed").strip() == "streamed"
        crictl("exec", "--sync", made, "sh", "-c", "exit 3", code=1)
        until(lambda: "from crictl" in crictl("logs", made), what="its log")
        assert [item["attributes"]["id"] for item in json.loads(
            crictl("stats", "--output", "json", made))["stats"]] == [made]
        assert pod in crictl("statsp", "--output", "json")
        crictl("stop", "--timeout", 5, made)
        assert json.loads(crictl("inspect", made))["status"]["exitCode"] == 0
        crictl("rm", made)
    finally:
        crictl("rmp", "--force", pod)
        remove_cgroup(config.linux.cgroup_parent)
    assert client.sandboxes(id=pod) == []
