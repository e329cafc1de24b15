#!/usr/bin/env python3
"""fender-oci beside crun and runc, and the executor within the daemon beside a floor, in one run and in ratios.

    Tests/bench/executor.py --build DIRECTORY [--rounds N]

DIRECTORY has optimised builds of fender-oci, fender-monitor and executor-bench. All take turns, in another order each
round, so that what else the machine does slows all alike. Not part of the tests: times depend on the machine.
"""

import argparse
import ctypes
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
CGROUP = "fender-bench"
# What Docker's profile refuses, more or less.
REFUSED = """acct add_key bpf clock_adjtime clock_settime delete_module fanotify_init finit_module fsconfig fsmount fsopen
fspick init_module ioperm iopl kcmp kexec_file_load kexec_load keyctl lookup_dcookie mbind mount mount_setattr move_mount
move_pages name_to_handle_at nfsservctl open_by_handle_at open_tree perf_event_open personality pivot_root quotactl reboot
request_key set_mempolicy setdomainname sethostname setns settimeofday swapoff swapon sysfs syslog umount2 unshare
uselib userfaultfd ustat vhangup vmsplice""".split()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=50)
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("run this as root")
    if "FENDER_BENCH" not in os.environ:
        isolated = ["unshare", "--mount", "--propagation", "private", sys.executable]
        sys.exit(subprocess.call([*isolated, *sys.argv], env={**os.environ, "FENDER_BENCH": "1"}))
    # crun runs on v1 only where nothing is left to v2.
    unified = pathlib.Path("/sys/fs/cgroup/unified")
    if unified.is_mount():
        subprocess.run(["umount", unified], check=True)
    # Containers that a process of ours made become our children.
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory(prefix="fender-bench-", dir="/var/tmp") as work:
        # As /run, where states are kept.
        (pathlib.Path(work) / "run").mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", f"{work}/run"], check=True)
        try:
            Bench(pathlib.Path(work), arguments.build.resolve()).run(arguments.rounds)
        finally:
            subprocess.run(["umount", f"{work}/run"], check=True)


class Bench:
    def __init__(self, work, build):
        self.work = work
        self.build = build
        self.runtimes = {"fender-oci": build / "fender-oci", **{
            name: pathlib.Path(path) for name in ("crun", "runc") if (path := shutil.which(name))}}
        self.floor = work / "floor"
        subprocess.run(["gcc", "-O2", "-static", "-o", self.floor, HERE / "floor.c"], check=True)
        self.plain, self.filtered = (self.bundle(name, name == "filtered") for name in ("plain", "filtered"))
        self.numbers = itertools.count()

    def bundle(self, name, filtered):
        bundle = self.work / name
        root = bundle / "rootfs"
        for directory in ("bin", "proc", "dev", "sys"):
            (root / directory).mkdir(parents=True)
        shutil.copy("/bin/busybox", root / "bin/busybox")
        for applet in ("true", "sleep"):
            os.link(root / "bin/busybox", root / "bin" / applet)
        document = self.document()
        if filtered:
            document["linux"]["seccomp"] = seccomp()
        (bundle / "config.json").write_text(json.dumps(document))
        return bundle

    def document(self):
        with tempfile.TemporaryDirectory() as directory:
            subprocess.run([self.runtimes["fender-oci"], "spec"], cwd=directory, check=True)
            document = json.loads((pathlib.Path(directory) / "config.json").read_text())
        document["ociVersion"] = "1.0.2"
        document["process"].update(terminal=False, args=["/bin/true"])
        document["linux"]["cgroupsPath"] = f"/{CGROUP}/c"
        # A mount of cgroups is a dozen on v1, and what they are differs between runtimes.
        document["mounts"] = [mount for mount in document["mounts"] if mount["type"] != "cgroup"]
        return document

    def run(self, rounds):
        print(f"load {os.getloadavg()[0]:.2f}, {rounds} rounds, medians in ms")
        list(cgroups(make=True))
        try:
            for title, bundle, gap in [("back to back", self.plain, 0), ("60 ms apart", self.plain, 0.06),
                                       ("with seccomp", self.filtered, 0)]:
                self.report(f"create + start + delete, {title}", self.lives(bundle, gap, rounds))
            self.report("exec of true", self.execs(rounds))
        finally:
            for parent in cgroups():
                for directory, _, _ in os.walk(parent, topdown=False):
                    os.rmdir(directory)

    def report(self, title, times):
        print(f"\n{title}")
        medians = {name: statistics.median(values) for name, values in times.items()}
        for name, values in times.items():
            ratios = "  ".join(f"{medians[ours] / medians[name]:5.2f} {ours}"
                               for ours in ("fender-oci", "in process") if ours in medians and ours != name)
            quantile = statistics.quantiles(values, n=10)[8]
            print(f"  {name:12} {medians[name]:7.2f}   min {min(values):6.2f}   p90 {quantile:7.2f}   of it: {ratios}")

    def lives(self, bundle, gap, rounds):
        with InProcess(self, "life", bundle) as daemon:
            calls = {"floor": lambda: self.floor_life(bundle), "in process": daemon.once}
            for name in self.runtimes:
                calls[name] = lambda name=name: self.life(name, bundle, gap)
            return take_turns(calls, rounds, gap)

    def floor_life(self, bundle):
        directories = [f"{parent}/c" for parent in cgroups()]
        return timed([self.floor, bundle / "rootfs", *directories])

    def command(self, name, *arguments):
        return [self.runtimes[name], "--root", self.work / "run" / name, *arguments]

    def life(self, name, bundle, gap):
        container, pid_file = f"b{next(self.numbers)}", self.work / "run/pid"
        total = timed(self.command(name, "create", "--pid-file", pid_file, "--bundle", bundle, container))
        pid = int(pid_file.read_text())
        time.sleep(gap)
        total += timed(self.command(name, "start", container))
        os.waitpid(pid, 0)
        time.sleep(gap)
        return total + timed(self.command(name, "delete", container))

    def execs(self, rounds):
        document = json.loads((self.plain / "config.json").read_text())
        document["process"]["args"] = ["/bin/sleep", "1000000"]
        made = {}
        try:
            for name in self.runtimes:
                document["linux"]["cgroupsPath"] = f"/{CGROUP}/{name}"
                (self.plain / "config.json").write_text(json.dumps(document))
                made[name] = f"x{next(self.numbers)}"
                timed(self.command(name, "create", "--bundle", self.plain, made[name]))
                timed(self.command(name, "start", made[name]))
            with InProcess(self, "exec", self.plain, self.work / "run/fender-oci", made["fender-oci"]) as daemon:
                calls = {"in process": daemon.once}
                for name in self.runtimes:
                    calls[name] = lambda name=name: timed(self.command(name, "exec", made[name], "/bin/true"))
                return take_turns(calls, rounds, 0)
        finally:
            for name, container in made.items():
                timed(self.command(name, "delete", "--force", container))


class InProcess:
    """The executor in a process that lives on, as in the daemon."""

    def __init__(self, bench, what, bundle, root=None, container=None):
        self.container, self.numbers = container, bench.numbers
        self.process = subprocess.Popen(
            [bench.build / "executor-bench", what, bench.build / "fender-monitor",
             root or bench.work / "run/in-process", bundle],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def once(self):
        self.process.stdin.write(f"{self.container or f'b{next(self.numbers)}'}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


def cgroups(make=False):
    """Our cgroup in each hierarchy; those that are there, or all."""
    root = pathlib.Path("/sys/fs/cgroup")
    is_unified = (root / "cgroup.controllers").exists()
    hierarchies = [root] if is_unified else sorted(
        {path.resolve() for path in root.iterdir() if (path / "cgroup.procs").exists()})
    for parent in (hierarchy / CGROUP for hierarchy in hierarchies):
        if make:
            parent.mkdir(exist_ok=True)
            for file in ("cpuset.cpus", "cpuset.mems"):
                if (parent / file).exists():
                    (parent / file).write_text((parent.parent / file).read_text())
            if (parent / "cgroup.clone_children").exists():
                (parent / "cgroup.clone_children").write_text("1")
        if parent.exists():
            yield parent


def take_turns(calls, rounds, gap):
    times = {name: [] for name in calls}
    for number in range(rounds + 3):
        for name in random.sample(list(calls), len(calls)):
            time.sleep(gap)
            took = calls[name]()
            # The first ones fill caches.
            if number >= 3:
                times[name].append(took)
    return times


def timed(command):
    null = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 1)]
    began = time.perf_counter()
    pid = os.posix_spawn(command[0], [str(word) for word in command], os.environ, file_actions=actions)
    _, status = os.waitpid(pid, 0)
    took = time.perf_counter() - began
    os.close(null)
    assert status == 0, f"{command}: {status}"
    return took * 1e3


def seccomp():
    """A profile of the size of Docker's: the machine's system calls but for those it refuses."""
    header = subprocess.run(["gcc", "-E", "-dM", "-include", "asm/unistd.h", "-x", "c", os.devnull],
                            capture_output=True, text=True, check=True).stdout
    names = sorted(set(re.findall(r"#define __NR_(\w+) \d", header)) - set(REFUSED))
    persona = [{"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [
        {"index": 0, "value": value, "op": "SCMP_CMP_EQ"}]} for value in (0, 8, 131072, 131080, 4294967295)]
    return {"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
            "syscalls": [{"names": names, "action": "SCMP_ACT_ALLOW"}, *persona]}


if __name__ == "__main__":
    main()
