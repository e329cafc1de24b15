"""As much of a kubelet as keeps pods running: what has ended is made anew, under the next attempt."""

import threading

import grpc

from .schema import pb


class Kubelet:
    def __init__(self, pods):
        self.pods = pods
        self.client = pods.client
        self.kept = []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def keep(self, pod, **container):
        """Keeps a pod with one container."""
        self.kept.append((pod, container))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def _run(self):
        while not self.over.wait(0.2):
            for pod, container in self.kept:
                try:
                    self._sync(pod, container)
                except grpc.RpcError:
                    # As a kubelet: later again.
                    pass

    def _sync(self, pod, container):
        status = self.client.sandbox_status(pod.id)
        if status.state != pb.SANDBOX_READY:
            self._remember(pod)
            pod.config.metadata.attempt += 1
            pod.id = self.client.RunPodSandbox(config=pod.config).pod_sandbox_id
        running = self.client.containers(pod_sandbox_id=pod.id, state=pb.ContainerStateValue(state=pb.CONTAINER_RUNNING))
        if not running:
            pod.start(**container)

    def _remember(self, pod):
        """The old sandbox, for the test to remove."""
        old = type(pod)(self.pods, pod.config)
        old.id = pod.id
        self.pods.made.append(old)
