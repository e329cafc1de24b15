"""The last file: after all the others, the server holds no more than it did."""

import pytest

from harness import leaks
from harness.pods import Pods
from harness.waiting import until

pytestmark = pytest.mark.fender


def held(server):
    found = leaks.descriptors(server.daemon.pid)
    # Kept-alive connections to Docker and to clients come and go.
    return {name: count for name, count in found.items() if name != "socket"}


def test_cycles_leave_no_descriptor_and_no_process(client, server, ledger, work, cgroup_parent):
    def cycle():
        pods = Pods(client, work, cgroup_parent)
        pod = pods.run()
        container = pod.start()
        client.shell(container, "echo x")
        pods.remove()

    cycle()
    before, machine = held(server), ledger.count()
    for _ in range(10):
        cycle()
    until(lambda: held(server) == before, what=f"{before} again", timeout=10)
    until(lambda: not leaks.difference(machine, ledger.count()), timeout=10)


def test_state_directory_is_empty_again(client, server):
    """With no pod there, no checkpoint, journal entry, log offset or cached network result is left."""
    assert client.sandboxes() == [] and client.containers() == []
    left = [path for path in (server.root / "state").rglob("*") if path.is_file() and path.stat().st_size]
    assert [path for path in left if any(part in str(path) for part in ("sandbox", "journal", "offset", "logs"))] == []
