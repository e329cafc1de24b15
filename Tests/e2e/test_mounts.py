"""Mounts, devices and image volumes."""

import os
import subprocess

import grpc
import pytest

from harness import images
from harness.client import refused
from harness.pods import Pods
from harness.schema import pb


@pytest.fixture
def source(work, request):
    """A directory of the node with a file in it."""
    directory = work / "mounts" / request.node.name.replace("/", "_")
    directory.mkdir(parents=True)
    (directory / "file").write_text("content\n")
    return directory


def mount(source, target="/data", **fields):
    return pb.Mount(host_path=str(source), container_path=target, **fields)


def test_directory(client, pods, source):
    container = pods.run().start(mounts=[mount(source)])
    assert client.exec(container, "/bin/cat", "/data/file") == "content\n"
    client.shell(container, "echo new > /data/new")
    assert (source / "new").read_text() == "new\n"


def test_file(client, pods, source):
    container = pods.run().start(mounts=[mount(source / "file", "/etc/one-file")])
    assert client.exec(container, "/bin/cat", "/etc/one-file") == "content\n"


def test_over_the_images_files(client, pods, source):
    container = pods.run().start(mounts=[mount(source, "/www"), mount(source / "file", "/etc/hosts")])
    assert client.exec(container, "/bin/ls", "/www") == "file\n"
    assert client.exec(container, "/bin/cat", "/etc/hosts") == "content\n"


def test_read_only(client, pods, source):
    container = pods.run().start(mounts=[mount(source, readonly=True)])
    assert client.exec(container, "/bin/cat", "/data/file") == "content\n"
    assert b"Read-only" in client.ExecSync(container_id=container, cmd=["/bin/touch", "/data/x"]).stderr


def test_a_mount_in_a_mount(client, pods, source, work):
    inner = work / "mounts" / "inner"
    inner.mkdir(exist_ok=True)
    (source / "inner").mkdir()
    container = pods.run().start(mounts=[mount(source), mount(inner, "/data/inner")])
    client.shell(container, "echo deep > /data/inner/deep")
    assert (inner / "deep").exists() and not (source / "inner/deep").exists()


def test_symbolic_link_is_followed(client, pods, source):
    link = source.parent / f"{source.name}-link"
    link.symlink_to(source)
    container = pods.run().start(mounts=[mount(link)])
    assert client.exec(container, "/bin/cat", "/data/file") == "content\n"


def test_path_with_odd_characters(client, pods, source):
    odd = source / "a b:c,d=é"
    odd.mkdir()
    container = pods.run().start(mounts=[mount(odd, "/data/x:y,z w")])
    client.exec(container, "/bin/touch", "/data/x:y,z w/here")
    assert (odd / "here").exists()


@pytest.mark.fender
def test_missing_host_path_is_a_clear_error(client, pods, source):
    """The kubelet makes what is to be made; what is missing after that is a mistake."""
    pod = pods.run()
    with refused(match=str(source / "missing")):
        pod.start(mounts=[mount(source / "missing")])
    assert not (source / "missing").exists()


@pytest.mark.fender
@pytest.mark.parametrize("wrong", [dict(target=""), dict(target="relative"), dict(target="/data", source="")])
def test_incomplete_mounts_are_refused(client, pods, source, wrong):
    pod = pods.run()
    with refused():
        pod.start(mounts=[mount(wrong.get("source", source), wrong["target"])])


def test_status_tells_the_mounts(client, pods, source):
    mounts = [mount(source, "/a", readonly=True), mount(source, "/b", propagation=pb.PROPAGATION_HOST_TO_CONTAINER),
              mount(source, "/c", propagation=pb.PROPAGATION_BIDIRECTIONAL)]
    pod = pods.run(privileged=True)
    container = pod.start(mounts=mounts, security={"privileged": True})
    found = {item.container_path: item for item in client.status(container).mounts}
    for asked in mounts:
        told = found[asked.container_path]
        assert (told.host_path, told.readonly, told.propagation) == (
            asked.host_path, asked.readonly, asked.propagation)


# Propagation.


@pytest.mark.parametrize("propagation, seen", [
    (pb.PROPAGATION_PRIVATE, False), (pb.PROPAGATION_HOST_TO_CONTAINER, True), (pb.PROPAGATION_BIDIRECTIONAL, True)])
def test_what_the_node_mounts_later(client, pods, source, propagation, seen):
    pod = pods.run(privileged=True)
    container = pod.start(mounts=[mount(source, propagation=propagation)], security={"privileged": True})
    inner = source / "inner"
    inner.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "x", inner], check=True)
    try:
        (inner / "mounted").touch()
        assert ("mounted" in client.exec(container, "/bin/ls", "/data/inner")) == seen
    finally:
        subprocess.run(["umount", inner], check=True)


@pytest.mark.parametrize("propagation, seen", [
    (pb.PROPAGATION_PRIVATE, False), (pb.PROPAGATION_HOST_TO_CONTAINER, False), (pb.PROPAGATION_BIDIRECTIONAL, True)])
def test_what_the_container_mounts(client, pods, source, propagation, seen):
    inner = source / "inner"
    inner.mkdir()
    pod = pods.run(privileged=True)
    container = pod.start(mounts=[mount(source, propagation=propagation)], security={"privileged": True})
    client.shell(container, "/bin/mount -t tmpfs x /data/inner && /bin/touch /data/inner/mounted")
    assert os.path.exists(inner / "mounted") == seen
    client.exec(container, "/bin/umount", "/data/inner")


# Read-only all the way down.


@pytest.fixture(scope="module")
def recursive_read_only(client):
    return {handler.name: handler.features.recursive_read_only_mounts for handler in client.Status().runtime_handlers}.get(Pods.handler)


@pytest.mark.v1_36
@pytest.mark.parametrize("fields", [
    dict(readonly=False), dict(readonly=True, propagation=pb.PROPAGATION_HOST_TO_CONTAINER),
    dict(readonly=True, propagation=pb.PROPAGATION_BIDIRECTIONAL)])
def test_recursive_read_only_where_it_makes_no_sense(client, pods, source, fields):
    pod = pods.run()
    with refused():
        pod.start(mounts=[mount(source, recursive_read_only=True, **fields)])


@pytest.mark.v1_36
def test_recursive_read_only(client, pods, source, recursive_read_only):
    inner = source / "inner"
    inner.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "x", inner], check=True)
    try:
        pod = pods.run()
        asked = [mount(source, readonly=True, recursive_read_only=True)]
        if not recursive_read_only:
            with refused(match="RROUnsupported"):
                pod.start(mounts=asked)
            return
        container = pod.start(mounts=asked)
        assert client.status(container).mounts[0].recursive_read_only
        assert client.ExecSync(container_id=container, cmd=["/bin/touch", "/data/inner/x"]).exit_code != 0
        pods.remove()
    finally:
        subprocess.run(["umount", inner], check=True)


@pytest.mark.fender
def test_plain_read_only_leaves_inner_mounts_alone(client, pods, source):
    inner = source / "inner"
    inner.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "x", inner], check=True)
    try:
        container = pods.run().start(mounts=[mount(source, readonly=True)])
        client.exec(container, "/bin/touch", "/data/inner/x")
        pods.remove()
    finally:
        subprocess.run(["umount", inner], check=True)


# Images as volumes.


def volume(image, sub_path="", **fields):
    return pb.Mount(container_path="/data", image=pb.ImageSpec(image=image), image_sub_path=sub_path, readonly=True, **fields)


@pytest.fixture
def volume_image(client):
    client.PullImage(image=pb.ImageSpec(image=images.VOLUME))
    return images.VOLUME


@pytest.mark.v1_36
def test_image_volume(client, pods, volume_image):
    pod = pods.run()
    container = pod.start(mounts=[volume(volume_image)])
    assert client.exec(container, "/bin/cat", "/data/top", "/data/sub/inner") == "top\ninner\n"
    assert client.ExecSync(container_id=container, cmd=["/bin/touch", "/data/x"]).exit_code != 0
    told = client.status(container).mounts[0]
    assert told.container_path == "/data" and told.image.image and told.readonly


@pytest.mark.v1_36
def test_part_of_an_image_volume(client, pods, volume_image):
    container = pods.run().start(mounts=[volume(volume_image, "sub")])
    assert client.exec(container, "/bin/ls", "/data") == "inner\n"


@pytest.mark.v1_36
@pytest.mark.parametrize("sub_path", ["missing", "../../etc/hostname", "top/x"])
def test_part_that_is_not_in_the_image(client, pods, volume_image, sub_path):
    pod = pods.run()
    with refused():
        pod.start(mounts=[volume(volume_image, sub_path)])


@pytest.mark.v1_36
def test_image_volume_ends_at_the_images_root(client, pods, volume_image):
    pod = pods.run()
    try:
        container = pod.start(mounts=[volume(volume_image, "../..")])
    except grpc.RpcError:
        return
    assert client.exec(container, "/bin/ls", "/data") == "sub\ntop\n"


@pytest.mark.v1_36
def test_image_volume_of_an_absent_image(client, pods):
    pod = pods.run()
    with refused(match="ImageVolumeMountFailed"):
        pod.start(mounts=[volume("127.0.0.1:5000/never/pulled:1")])


# Devices.


def test_device(client, pods):
    container = pods.run().start(
        devices=[pb.Device(host_path="/dev/null", container_path="/dev/nothing", permissions="rwm")])
    client.shell(container, "test -c /dev/nothing && echo x > /dev/nothing")


def test_device_permissions(client, pods):
    container = pods.run().start(
        devices=[pb.Device(host_path="/dev/kmsg", container_path="/dev/kmsg", permissions="r")],
        security={"capabilities": pb.Capability(add_capabilities=["SYSLOG"])})
    client.shell(container, "exec 3< /dev/kmsg")
    assert client.ExecSync(container_id=container, cmd=["/bin/sh", "-c", "echo x > /dev/kmsg"]).exit_code != 0


def test_missing_device_is_refused(client, pods):
    pod = pods.run()
    with refused():
        pod.start(devices=[pb.Device(host_path="/dev/no-such", container_path="/dev/x", permissions="rwm")])


@pytest.mark.fender
def test_unknown_cdi_device_is_refused(client, pods):
    pod = pods.run()
    with refused():
        pod.start(CDI_devices=[pb.CDIDevice(name="vendor.example/thing=none")])
