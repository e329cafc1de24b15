"""`fender migrate` on a node's files: the plan, doing it, taking it back, and what happens in between."""

import json
import subprocess

import pytest

from harness.node import Node
from harness.pods import SLEEP
from harness.waiting import until

# What serves the pods makes no difference to the files.
pytestmark = pytest.mark.native

OURS = "unix:///run/fender/fender.sock"


@pytest.fixture
def fender(request):
    return request.config.getoption("--fender")


@pytest.fixture(params=["dockershim", "cri-dockerd"])
def node(request, tmp_path, server):
    """A node whose Fender is the server under test."""
    node = Node(tmp_path, request.param)
    (node.root / "run/fender").mkdir(parents=True)
    (node.root / "run/fender/fender.sock").symlink_to(server.socket)
    yield node
    node.close()


def kept(node):
    return node.root / "var/lib/fender/migration"


def test_the_plan_changes_nothing(node, fender):
    before = node.files()
    text = node.run(fender)
    assert node.files() == before and node.calls == [] and not kept(node).exists()
    assert f"From {node.kind}" in text and "systemctl stop kubelet.service" in text
    assert "+++ /var/lib/kubelet/kubeadm-flags.env" in text and f"--container-runtime-endpoint={OURS}" in text


def test_the_plan_as_json(node, fender):
    told = json.loads(node.run(fender, "--json"))
    assert told["from"] == node.kind and told["endpoint"] == OURS and not told["isDone"]
    files = {file["path"]: file for file in told["files"]}
    assert files["/etc/systemd/system/fender.service"]["isNew"]
    assert not files["/var/lib/kubelet/kubeadm-flags.env"]["isNew"]
    shim = [["systemctl", "disable", "--now", "cri-docker.service", "cri-docker.socket"]]
    assert told["commands"][:-1] == [
        ["systemctl", "stop", "kubelet.service"], *(shim if node.kind == "cri-dockerd" else []),
        ["systemctl", "daemon-reload"], ["systemctl", "enable", "--now", "fender.socket", "fender.service"],
        ["systemctl", "start", "kubelet.service"]]
    assert told["commands"][-1][-1] == f"kubeadm.alpha.kubernetes.io/cri-socket={OURS}"


def patched(node, file, diff, tmp_path):
    """What patch(1) makes of a file by a diff of the plan."""
    target = tmp_path / "patched"
    source = node.root / file["path"].lstrip("/")
    target.write_bytes(source.read_bytes() if source.exists() else b"")
    subprocess.run(["patch", "--quiet", "--no-backup-if-mismatch", target], input=diff, text=True, check=True)
    return target.read_bytes()


def test_what_is_done_is_what_was_shown(node, fender, tmp_path):
    told = json.loads(node.run(fender, "--json"))
    expected = {file["path"]: patched(node, file, file["diff"], tmp_path) for file in told["files"]}
    before, state = node.files(), node.state()
    node.run(fender, "--apply")
    assert [call.split(" ") for call in node.calls] == told["commands"]
    assert {path: (node.root / path.lstrip("/")).read_bytes() for path in expected} == expected
    assert node.annotation == OURS and "cri-docker.service" not in node.enabled | node.active
    for name, (_, *attributes) in before.items():
        assert node.files()[name][1:] == tuple(attributes)
    assert kept(node).stat().st_mode & 0o777 == 0o700
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in (kept(node) / "files").iterdir())
    assert "nothing to do" in node.run(fender)
    count = len(node.calls)
    assert "migrated already" in node.run(fender, "--apply") and len(node.calls) == count

    node.run(fender, "--undo")
    assert node.files() == before and node.state() == state and not kept(node).exists()
    assert "nothing to take back" in node.run(fender, "--undo", code=1)


def test_killed_at_any_command(node, fender):
    """It is gone on with, or taken back, whichever command it was killed at; and so is the way back."""
    before, state = node.files(), node.state()
    node.run(fender, "--apply")
    after, changed, commands = node.files(), node.state(), len(node.calls)
    node.run(fender, "--undo")
    back = len(node.calls) - commands
    for number in range(commands):
        kill_at(node, fender, number, "--apply")
        if number < commands - 1:
            assert "was interrupted" in node.run(fender, code=1)
        if number % 2:
            node.run(fender, "--apply")
            assert (node.files(), node.state()) == (after, changed)
        node.run(fender, "--undo")
        assert node.files() == before and node.state()[:2] == state[:2]
    for number in range(back):
        node.annotation = state[2]
        node.run(fender, "--apply")
        kill_at(node, fender, number, "--undo")
        assert "--undo goes on" in node.run(fender, "--apply", code=1)
        node.run(fender, "--undo")
        assert (node.files(), node.state()) == (before, state)


def kill_at(node, fender, number, option):
    node.calls.clear()
    started = []

    def kill(words):
        if len(node.calls) == number + 1:
            until(lambda: started)
            started[0].kill()
            started[0].wait()

    node.on_command = kill
    started.append(node.migrate(fender, option))
    assert started[0].wait(60) == -9, started[0].communicate()
    node.on_command = lambda words: None


@pytest.mark.parametrize("failing", ["daemon-reload", "enable --now", "start kubelet"])
def test_a_step_that_fails_is_taken_back(node, fender, failing):
    before, state = node.files(), node.state()
    failed = []

    def fail(words):
        if failing in " ".join(words) and not failed:
            failed.append(words)
            return "the unit is ill"

    node.on_command = fail
    text = node.run(fender, "--apply", code=1)
    assert "the unit is ill" in text and "as it was before" in text
    assert node.files() == before and node.state() == state and not kept(node).exists()


def test_an_annotation_that_fails_is_a_warning(node, fender):
    node.on_command = lambda words: "forbidden" if words[0] == "kubectl" else None
    text = node.run(fender, "--apply")
    assert "warning: kubectl" in text and "forbidden" in text
    node.on_command = lambda words: None
    node.run(fender, "--undo")


def test_files_that_others_changed_are_theirs(node, fender):
    before = node.files()
    node.run(fender, "--apply")
    flags = node.root / "var/lib/kubelet/kubeadm-flags.env"
    flags.write_text(flags.read_text() + "# by hand\n")
    changed = node.files()
    assert "kubeadm-flags.env" in node.run(fender, "--undo", code=1)
    assert node.files() == changed and kept(node).exists()
    node.run(fender, "--undo", "--force")
    saved = flags.with_name(flags.name + ".fender-saved")
    assert saved.read_text().endswith("# by hand\n")
    saved.unlink()
    assert node.files() == before


def test_a_link_stays_one(node, fender):
    flags = node.root / "var/lib/kubelet/kubeadm-flags.env"
    (node.root / "etc/flags").write_text(flags.read_text())
    flags.unlink()
    flags.symlink_to("/etc/flags")
    text = (node.root / "etc/flags").read_text()
    node.run(fender, "--apply")
    assert flags.is_symlink() and OURS in (node.root / "etc/flags").read_text()
    node.run(fender, "--undo")
    assert flags.is_symlink() and (node.root / "etc/flags").read_text() == text


def test_one_at_a_time(node, fender):
    second = []

    def another(words):
        if not second:
            second.append(node.migrate(fender, "--undo").communicate())

    node.on_command = another
    node.run(fender, "--apply")
    assert "another fender migrate is at work" in second[0][1]
    node.on_command = lambda words: None
    node.run(fender, "--undo")


def test_a_server_that_does_not_come(node, fender, client, pods):
    """It is waited for, and all is taken back."""
    pod = pods.run()
    pod.start(command=SLEEP)
    before = node.files()
    socket = node.root / "run/fender/fender.sock"
    target = socket.readlink()
    socket.unlink()
    assert "Fender does not serve" in node.run(fender, "--apply", "--timeout=2", code=1)
    assert node.files() == before
    socket.symlink_to(target)
    assert client.sandboxes(id=pod.id)
