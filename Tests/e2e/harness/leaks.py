"""What a pod uses of the machine, counted before and after."""

import collections
import contextlib
import os
import pathlib
import signal
import subprocess

from .waiting import until


def mounts():
    return {line.split()[4] for line in open("/proc/self/mountinfo")}


# Copies of the machine's own, which go away when others unmount the originals.
INHERITED = mounts()


class Ledger:
    """Counts what lives in the tests' own namespaces."""

    def __init__(self, network, cgroup_parent, docker=None):
        self.network = network
        self.cgroup_parent = cgroup_parent
        self.docker = docker

    def count(self):
        return {
            "processes": processes(),
            "mounts": sorted(mounts() - INHERITED),
            "interfaces": interfaces(),
            "addresses": self.network.held() if self.network else [],
            "cgroups": sorted(self._cgroups()),
            "containers": self._containers(),
        }

    def _cgroups(self):
        root = pathlib.Path("/sys/fs/cgroup")
        for hierarchy in [root, *root.iterdir()]:
            for directory, _, _ in os.walk(hierarchy / self.cgroup_parent):
                yield directory

    def _containers(self):
        if not self.docker:
            return []
        return sorted(self.docker("ps", "--all", "--no-trunc", "--format", "{{.ID}}").split())


def difference(before, after):
    """What is there more or less, by kind; empty if nothing."""
    found = {}
    for kind in before:
        more = collections.Counter(after[kind]) - collections.Counter(before[kind])
        less = collections.Counter(before[kind]) - collections.Counter(after[kind])
        if kind == "processes":
            # One of an earlier test that had not quite ended when they were counted.
            less.clear()
        if more or less:
            found[kind] = {"more": dict(more), "less": dict(less)}
    return found


def processes():
    """The command lines in this process namespace, but for the short-lived ones of those who ask."""
    found = collections.Counter()
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            command = pathlib.Path("/proc", entry, "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if command[0] and not command[0].endswith(b"runc"):
            found[b" ".join(command[:3]).decode(errors="replace")[:80]] += 1
    return found


def marked(mark):
    """Processes that have `mark` as an argument."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
            if mark.encode() in file.read().split(b"\0"):
                found.append(int(pid))
    return found


def end_what_docker_forgot(docker, cgroup_parent):
    """Ends what is left of containers that Docker, killed while it made or ended them, does not know any more."""
    known = docker("ps", "--all", "--quiet", "--no-trunc").split()
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if command[0].endswith("/containerd-shim-runc-v2") and command[command.index("-id") + 1] not in known:
            os.kill(int(entry.name), signal.SIGKILL)
    for point in mounts():
        # Of the files that Docker puts into every container: mounted for a moment while it makes one.
        if point.startswith(str(docker.root)) and point.endswith("-init/merged"):
            subprocess.run(["umount", point], check=True)
    for directory in pathlib.Path("/sys/fs/cgroup").glob(f"*/{cgroup_parent}/*/*"):
        if directory.name not in known and directory.is_dir():
            until(lambda: removed(directory), what=f"the processes in {directory} have ended")


def removed(cgroup):
    """Removes the cgroup unless a process in it has not quite ended."""
    try:
        cgroup.rmdir()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError:
        return False
    return True


def interfaces():
    output = subprocess.run(["ip", "-oneline", "link"], capture_output=True, text=True, check=True).stdout
    # The peer's number changes with each look at a veth pair, its name does not.
    return sorted(line.split()[1].split("@")[0] for line in output.splitlines())


def descriptors(pid):
    """The targets of a process's descriptors, numbers taken out."""
    found = collections.Counter()
    for entry in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{entry}")
        except OSError:
            continue
        found[target.split(":")[0] if ":[" in target else target] += 1
    return found
