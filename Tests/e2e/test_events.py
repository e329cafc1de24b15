"""Many subscribers to the events of many containers: each is told everything once and in order, and a stalled one
holds nobody up."""

import itertools
import statistics
import threading
import time

import grpc
import pytest

from harness.client import Client
from harness.schema import pb
from harness.waiting import until

pytestmark = pytest.mark.fender
SUBSCRIBERS = 9
CREATED, STARTED, STOPPED, DELETED = (
    pb.CONTAINER_CREATED_EVENT, pb.CONTAINER_STARTED_EVENT, pb.CONTAINER_STOPPED_EVENT, pb.CONTAINER_DELETED_EVENT)


class Subscriber(threading.Thread):
    """Takes down which events of which container it was told of."""

    def __init__(self, socket):
        super().__init__(daemon=True)
        self.client = Client(socket)
        self.feed = self.client.GetContainerEvents(deadline=600)
        self.told = {}

    def run(self):
        try:
            for event in self.feed:
                self.told.setdefault(event.container_id, []).append(event.container_event_type)
        except grpc.RpcError:
            pass

    def end(self):
        self.feed.cancel()
        self.join(10)
        self.client.close()


def cycle(client, pod, number):
    """Starts and ends a container; tells its id and how long the calls took."""
    started = time.monotonic()
    container = pod.start(name=f"c{number}", command=["sleep", "1000"])
    client.StopContainer(container_id=container, timeout=0)
    client.RemoveContainer(container_id=container)
    return container, time.monotonic() - started


def resident(server):
    for line in open(f"/proc/{server.daemon.pid}/status"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) << 10


def test_every_subscriber_is_told_everything(request, client, server, pods):
    starts = request.config.getoption("--starts")
    pod = pods.run()
    alone = [cycle(client, pod, number)[1] for number in range(max(5, starts // 10))]
    before = resident(server)
    subscribers = [Subscriber(server.socket) for _ in range(SUBSCRIBERS)]
    # It asks and never reads.
    stalled = Subscriber(server.socket)
    for subscriber in subscribers:
        subscriber.start()
    # A subscription has no answer before its first event: what it tells first proves that it has begun.
    probes = itertools.count()
    until(lambda: cycle(client, pod, f"probe-{next(probes)}") and all(subscriber.told for subscriber in subscribers))
    made = [cycle(client, pod, number) for number in range(starts)]
    expected = {container: [CREATED, STARTED, STOPPED, DELETED] for container, _ in made}

    def told(subscriber):
        return {container: subscriber.told.get(container) for container in expected}

    try:
        for subscriber in subscribers:
            until(lambda: told(subscriber) == expected, timeout=20, what="everything was told")
        assert resident(server) < before + (32 << 20)
        watched = statistics.median(took for _, took in made)
        print(f"{starts} containers, median of a life: {statistics.median(alone):.4f} s unwatched, {watched:.4f} s watched")
    finally:
        for subscriber in subscribers:
            subscriber.end()
        stalled.feed.cancel()
        stalled.client.close()
