"""PID 1 of the tests' process namespace: runs one command, reaps every orphan, ends with the command."""

import os
import signal
import subprocess
import sys

signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command decides what an interrupt means
# Docker and the plugins find each other here, and nothing of the machine's own daemons. A server that runs already
# may have its socket in /run, so then that stays.
for directory in ["/var/lib/cni"] if "E2E_SERVER" in os.environ else ["/var/lib/cni", "/run"]:
    os.makedirs(directory, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tests", directory], check=True)
os.makedirs("/run/lock", exist_ok=True)
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
child = subprocess.Popen(sys.argv[1:], preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)).pid
while True:
    pid, status = os.wait()
    if pid == child:
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
