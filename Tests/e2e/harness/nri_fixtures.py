"""Fixtures of the tests of plugins: a server that has them, and plugins."""

import pytest

from .nri import Plugin
from .waiting import until


@pytest.fixture(scope="module")
def place(server):
    """The server with NRI; a directory with its socket `nri.sock` and pre-installed plugins in `plugins`."""
    place = server.root / "nri"
    command = list(server.daemon.command)
    server.daemon.command = [
        *command, "--nri", "--nri-socket", str(place / "nri.sock"), "--nri-plugin-dir", str(place / "plugins"),
        "--nri-plugin-config-dir", str(place / "conf")]
    server.restart(kill=False)
    until((place / "nri.sock").exists)
    yield place
    server.daemon.command = command
    server.restart(kill=False)


@pytest.fixture
def plugin(place):
    """Makes plugins that have joined; they leave when the test ends."""
    made = []

    def plugin(**options):
        made.append(Plugin(place / "nri.sock", **options).start())
        return made[-1]

    yield plugin
    for one in made:
        one.stop()
    for one in made:
        assert one.is_over.wait(10)
