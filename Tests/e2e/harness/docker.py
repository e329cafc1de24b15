"""A Docker daemon of the tests' own, and its command line."""

import json
import os
import pathlib
import subprocess

from .process import Daemon


MODEST_RUNTIME = """\
#!/bin/sh
for word; do
	case $previous in
	--bundle) specification=$word/config.json ;;
	--process) specification=$word ;;
	esac
	previous=$word
done
[ -z "$specification" ] || sed -i 's/,"CAP_SYS_RESOURCE"//g; s/"CAP_SYS_RESOURCE",//g' "$specification"
exec runc "$@"
"""
SYS_RESOURCE = 24


def may_raise_limits():
    status = pathlib.Path("/proc/self/status").read_text()
    mask = int(status.split("CapEff:")[1].split()[0], 16)
    return bool(mask >> SYS_RESOURCE & 1)


class Docker:
    def __init__(self, work, cgroup_parent, live_restore=True):
        self.root = pathlib.Path(work) / "docker"
        self.root.mkdir()
        self.live_restore = live_restore
        self.socket = self.root / "docker.sock"
        command = [
            os.environ.get("DOCKERD", "dockerd"),
            "--config-file", self._configuration(),
            "--host", f"unix://{self.socket}",
            "--data-root", self.root / "data",
            "--exec-root", self.root / "exec",
            "--pidfile", self.root / "docker.pid",
            "--cgroup-parent", f"/{cgroup_parent}",
            "--bridge", "none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false",
        ]
        self.daemon = Daemon("dockerd", work, command, ready=self.answers)

    def _configuration(self):
        configuration = {"live-restore": self.live_restore}
        if not may_raise_limits():
            configuration["runtimes"] = {"modest": {"path": str(self._modest_runtime())}}
            configuration["default-runtime"] = "modest"
        file = self.root / "daemon.json"
        file.write_text(json.dumps(configuration))
        return file

    def _modest_runtime(self):
        """runc, for a machine without CAP_SYS_RESOURCE: Docker 20.10 gives it to privileged containers all the same,
        which the kernel refuses."""
        program = self.root / "modest-runc"
        program.write_text(MODEST_RUNTIME)
        program.chmod(0o755)
        return program

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
