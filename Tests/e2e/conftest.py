"""Fixtures: the daemons, one for all tests, and what a test makes with them.

    Tests/e2e/run --server fender --fender PATH     the daemon under test, on Docker (default)
    Tests/e2e/run --server native --fender PATH     the same without Docker
    Tests/e2e/run --server native --handler runc    the same with another OCI runtime in the executor's place
    Tests/e2e/run --server containerd               the reference
    E2E_SERVER=/path/to.sock Tests/e2e/run          a CRI server that runs already
"""

import os
import pathlib
import subprocess

import pytest

from harness import images, leaks, servers
from harness.apiserver import ApiServer
from harness.docker import Docker
from harness.kubectl import VARIANTS, Kubectl
from harness.pods import Pods
from harness.registry import Registry
from harness.schema import pb
from harness.waiting import until
from harness.websocket import WebSocket

pytest_plugins = ["harness.nri_fixtures"]

# Which servers have what a test asks for (pytest.ini).
MARKERS = {"docker": ["fender"], "fender": ["fender", "native"], "v1_36": ["fender", "native"],
           "native": ["native"]}


def pytest_addoption(parser):
    parser.addoption("--fender", default=".build/debug/fender", help="the program under test")
    parser.addoption("--server", default="fender", choices=["fender", "native", "containerd"])
    parser.addoption("--handler", default="", help="the runtime handler of pods that name none, as runc for native")
    parser.addoption("--fuzz", type=int, default=int(os.environ.get("FENDER_E2E_FUZZ", 3000)),
                     help="how many messages the fuzz tests send")
    parser.addoption("--kills", type=int, default=int(os.environ.get("FENDER_E2E_KILLS", 10)),
                     help="how often the churn tests kill the server")
    parser.addoption("--without-live-restore", action="store_true",
                     help="a Docker that ends its containers when it starts, not one that takes them over")
    parser.addoption("--starts", type=int, default=int(os.environ.get("FENDER_E2E_STARTS", 20)),
                     help="how many containers start and stop under the eyes of ten subscribers")
    parser.addoption("--disconnects", type=int, default=int(os.environ.get("FENDER_E2E_DISCONNECTS", 300)),
                     help="how many streaming clients go abruptly")


def pytest_configure(config):
    if "FENDER_E2E_WORK" not in os.environ:
        raise pytest.UsageError("run these tests by Tests/e2e/run, which gives them namespaces of their own")
    Pods.handler = config.getoption("--handler")


def pytest_collection_modifyitems(config, items):
    kind = "external" if "E2E_SERVER" in os.environ else config.getoption("--server")
    for item in items:
        for marker, kinds in MARKERS.items():
            if item.get_closest_marker(marker) and kind not in kinds:
                item.add_marker(pytest.mark.skip(reason=f"asks for {marker}, and this is {kind}"))


@pytest.fixture(scope="session")
def work(request):
    """A directory on a real disk, itself a shared mount, so that mounts below it can propagate."""
    if request.config.getoption("--handler") == "crun" and os.path.ismount("/sys/fs/cgroup/unified"):
        leave_v2()
    directory = pathlib.Path(os.environ["FENDER_E2E_WORK"])
    subprocess.run(["mount", "--bind", directory, directory], check=True)
    subprocess.run(["mount", "--make-shared", directory], check=True)
    return directory


def leave_v2():
    """crun runs on cgroup v1 only where nothing is left to v2: takes that hierarchy out of our mount namespace."""
    root, copy = pathlib.Path("/sys/fs/cgroup"), pathlib.Path("/mnt")
    subprocess.run(["umount", root / "unified"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "cgroup", copy], check=True)
    for entry in root.iterdir():
        if entry.is_symlink():
            (copy / entry.name).symlink_to(os.readlink(entry))
        elif entry.is_mount():
            (copy / entry.name).mkdir()
            subprocess.run(["mount", "--move", entry, copy / entry.name], check=True)
    subprocess.run(["mount", "--move", copy, root], check=True)


@pytest.fixture(scope="session")
def cgroup_parent(work):
    """Where all pods are; a slice where systemd manages cgroups."""
    return "tests.slice" if os.environ.get("FENDER_TEST_SYSTEMD") else work.name


@pytest.fixture(scope="session")
def registry(work):
    registry = Registry(work).start()
    images.build(registry, work)
    yield registry
    registry.stop()


@pytest.fixture(scope="session")
def network(work):
    return servers.Network(work)


@pytest.fixture(scope="session")
def docker(request, work, cgroup_parent):
    """The Docker under Fender; None under another server."""
    if "E2E_SERVER" in os.environ or request.config.getoption("--server") != "fender":
        yield None
        return
    docker = Docker(work, cgroup_parent, live_restore=not request.config.getoption("--without-live-restore"))
    docker.daemon.start()
    yield docker
    docker.daemon.stop()


@pytest.fixture(scope="session")
def server(request, work, registry, network, docker):
    if "E2E_SERVER" in os.environ:
        server = servers.Server(os.environ["E2E_SERVER"])
    elif docker:
        server = servers.Fender(work, request.config.getoption("--fender"), network, docker)
    elif request.config.getoption("--server") == "native":
        server = servers.Fender(work, request.config.getoption("--fender"), network)
    else:
        server = servers.Containerd(work, network, images.PAUSE)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def client(server):
    server.client.PullImage(image=pb.ImageSpec(image=images.BUSYBOX))
    return server.client


@pytest.fixture(scope="session")
def ledger(client, work, network, cgroup_parent, docker):
    # The first pods make what stays: the bridge, the cgroup that all pods are in, Docker's hold on the host network.
    pods = Pods(client, work, cgroup_parent)
    for namespace in (pb.POD, pb.NODE):
        pods.run(network=namespace).start()
    pods.remove()
    return leaks.Ledger(network, cgroup_parent, docker)


@pytest.fixture(scope="module")
def shared_pods(client, work, cgroup_parent):
    """Makes pods that live as long as the tests of a file."""
    pods = Pods(client, work, cgroup_parent)
    yield pods
    pods.remove()


@pytest.fixture(scope="module")
def pod(shared_pods):
    """A pod that the tests of a file share; they remove none of it."""
    return shared_pods.run()


@pytest.fixture
def pods(client, ledger, work, cgroup_parent):
    """Makes pods that live as long as one test, which must leave the machine as it was."""
    before = ledger.count()
    pods = Pods(client, work, cgroup_parent)
    yield pods
    pods.remove()
    after = {}

    def as_before():
        after.update(ledger.count())
        return not leaks.difference(before, after)

    try:
        until(as_before, timeout=10, interval=0.2)
    except AssertionError:
        pytest.fail(f"the test left something: {leaks.difference(before, after)}")


@pytest.fixture(scope="module")
def container(pod):
    """A container that sleeps, in the module's pod."""
    return pod.start()


@pytest.fixture
def execute(client, container):
    """Connects to a command in the container."""
    def execute(*command, protocol="v5.channel.k8s.io", stdin=False, tty=False, **options):
        url = client.Exec(container_id=container, cmd=command, stdin=stdin, stdout=True, stderr=not tty,
                          tty=tty).url
        return WebSocket(url, *([protocol] if protocol else []), **options)
    return execute


@pytest.fixture(scope="session")
def api(client):
    """What kubectl takes for an API server; it knows the pods that a test adds to it."""
    api = ApiServer(client).start()
    yield api
    api.stop()


@pytest.fixture(params=VARIANTS)
def kubectl(request, api, server, work):
    """One of the real kubectls. In the end its requests to upgrade must have met no refusal: falling back to another
    protocol would hide that the one which comes first does not work."""
    kubectl = Kubectl(request.param, api, work)
    if not kubectl.is_there:
        pytest.skip(f"there is no {kubectl.program}: Tests/e2e/fetch-kubectl gets it from Debian")
    if kubectl.websocket and server.kind == "containerd":
        pytest.skip("this containerd speaks no version of remote commands over WebSocket that kubectl wants")
    del api.upgrades[:]
    yield kubectl
    expected = "websocket" if kubectl.websocket else "spdy/3.1"
    assert {(upgrade.to, upgrade.accepted) for upgrade in api.upgrades} <= {(expected, True)}
