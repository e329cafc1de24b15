"""What `run` answers when a machine fails in one of the ways it can."""

import os
import pathlib
import subprocess
import sys

import pytest

RUN = pathlib.Path(__file__).with_name("run")


@pytest.mark.parametrize("limit, script, status", [
    (60, "exit 3", 3),
    (60, "test $(stat -f -c %T /sys/fs/cgroup) = cgroup2fs && touch /etc/ours", 0),
    (10, "sleep 1000", 125),
    (60, "echo c >/proc/sysrq-trigger; sleep 1000", 125),
    (60, "busybox poweroff -f", 125),
])
def test_ends(limit, script, status, tmp_path):
    command = [sys.executable, RUN, "--limit", str(limit), "--", "sh", "-c", script]
    environment = {**os.environ, "FENDER_E2E_DIR": str(tmp_path)}
    assert subprocess.run(command, env=environment, timeout=limit + 30).returncode == status
    assert not pathlib.Path("/etc/ours").exists()
    assert not list(tmp_path.iterdir())
    assert not list(processes(tmp_path))


def processes(directory):
    """What is left of a machine: its processes have its disk on their command line."""
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if bytes(directory) in path.read_bytes():
                yield path
        except OSError:
            pass
