"""Run by test_docs.py on a machine with systemd: the commands of docs/ that are marked so, in the order of READING."""

import os
import pathlib
import shutil
import subprocess
import sys

import documents

READING = ["install.md", "troubleshooting.md"]
# What must come last of its document, since it takes away what others need.
LAST = "apt-get remove"


def main(package):
    pathlib.Path("/var/lib/man-db/auto-update").unlink(missing_ok=True)
    pathlib.Path("/usr/sbin/policy-rc.d").unlink(missing_ok=True)
    directory = pathlib.Path("/var/tmp/docs")
    directory.mkdir()
    shutil.copy(package, directory)
    # Root file systems are overlays, which cannot be made on the machine's own.
    found = [block for block in documents.blocks() if block.is_run]
    assert {block.file for block in found} == set(READING), "a document is missing in READING"
    found.sort(key=lambda block: (any(LAST in command for command in block.commands), READING.index(block.file)))
    for block in found:
        for command in block.commands:
            run(block, command, directory)
    assert not os.path.exists("/var/lib/fender") and not os.path.exists("/usr/bin/fender")
    print("all done", flush=True)


def run(block, command, directory):
    print(f"{block.file} $ {command}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LANG": "C.UTF-8"}
    done = subprocess.run(["/bin/bash", "-c", command], cwd=directory, env=environment, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=120)
    pathlib.Path("/proc/sys/vm/drop_caches").write_text("2")
    print(done.stdout[-2500:], flush=True)
    # systemctl status tells a unit that is not active by 3.
    allowed = (0, 1, 3) if "may end" in block.mark else (0,)
    assert done.returncode in allowed, (command, done.returncode, done.stdout, done.stderr)
    assert "command not found" not in done.stderr and "Usage:" not in done.stderr, done.stderr


if __name__ == "__main__":
    main(*sys.argv[1:])
