"""A Docker daemon of the tests' own, and its command line."""

import json
import os
import pathlib
import subprocess

from .process import Daemon


class Docker:
    def __init__(self, work, cgroup_parent, live_restore=True):
        self.root = pathlib.Path(work) / "docker"
        self.root.mkdir()
        self.socket = self.root / "docker.sock"
        command = [
            os.environ.get("DOCKERD", "dockerd"),
            "--config-file", self._configuration(live_restore),
            "--host", f"unix://{self.socket}",
            "--data-root", self.root / "data",
            "--exec-root", self.root / "exec",
            "--pidfile", self.root / "docker.pid",
            "--cgroup-parent", f"/{cgroup_parent}",
            "--bridge", "none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false",
        ]
        self.daemon = Daemon("dockerd", work, command, ready=self.answers)

    def _configuration(self, live_restore):
        file = self.root / "daemon.json"
        file.write_text(json.dumps({"live-restore": live_restore, "experimental": True}))
        return file

    def answers(self):
        return self.run("version", check=False).returncode == 0

    def run(self, *arguments, check=True, **options):
        command = ["docker", "--host", f"unix://{self.socket}", *map(str, arguments)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=120, **options)
        assert not check or result.returncode == 0, (arguments, result.stdout, result.stderr)
        return result

    def __call__(self, *arguments):
        """The command's output, without the line's end."""
        return self.run(*arguments).stdout.strip()

    def inspect(self, container):
        return json.loads(self("inspect", container))[0]
