"""Pulling, telling, listing and removing images."""

import urllib.request

import pytest

from harness import images
from harness.client import refused
from harness.registry import LOCKED, OPEN, PASSWORD, USER, basic_auth
from harness.schema import pb
from harness.waiting import until


def spec(name):
    return pb.ImageSpec(image=name)


def pull(client, name, **auth):
    return client.PullImage(image=spec(name), auth=pb.AuthConfig(**auth) if auth else None).image_ref


def remove(client, name):
    client.RemoveImage(image=spec(name))


def listed(client, name=""):
    return list(client.ListImages(filter=pb.ImageFilter(image=spec(name)) if name else None).images)


@pytest.fixture(autouse=True)
def without_small(client):
    yield
    remove(client, images.SMALL)


def digest_of(name):
    repository, tag = name.removeprefix(f"{OPEN}/").split(":")
    request = urllib.request.Request(
        f"http://{OPEN}/v2/{repository}/manifests/{tag}",
        headers={"Accept": "application/vnd.docker.distribution.manifest.v2+json"})
    return urllib.request.urlopen(request).headers["Docker-Content-Digest"]


def test_absent_image_is_no_error(client):
    assert client.image(f"{OPEN}/never/pulled:1") is None


def test_pull_status_list_remove(client):
    assert client.image(images.SMALL) is None
    reference = pull(client, images.SMALL)
    image = client.image(images.SMALL)
    assert image.id == client.image(reference).id == client.image(image.id).id
    assert image.size > 0
    assert list(image.repo_tags) == [images.SMALL]
    assert list(image.repo_digests) == [f"{OPEN}/small@{digest_of(images.SMALL)}"]
    assert image.id in [item.id for item in listed(client)]
    remove(client, images.SMALL)
    assert client.image(images.SMALL) is None and client.image(image.id) is None
    assert image.id not in [item.id for item in listed(client)]


@pytest.mark.fender
def test_filter(client):
    reference = pull(client, images.SMALL)
    for name in (images.SMALL, reference, f"{OPEN}/small@{digest_of(images.SMALL)}"):
        assert [item.id for item in listed(client, name)] == [reference]
    assert listed(client, f"{OPEN}/never/pulled:1") == []
    assert len(listed(client)) > 1


@pytest.mark.v1_36
def test_one_id_everywhere(client):
    """Whatever name it is pulled by, an image has one id (Kubernetes 1.36)."""
    reference = pull(client, images.BUSYBOX)
    assert reference == pull(client, images.TWIN) == client.image(images.TWIN).id == client.image(images.BUSYBOX).id
    image = client.image(reference)
    assert {images.BUSYBOX, images.TWIN} <= set(image.repo_tags)
    assert len([item for item in listed(client) if item.id == image.id]) == 1


def test_pull_again(client):
    assert pull(client, images.SMALL) == pull(client, images.SMALL)
    assert len([image for image in listed(client) if images.SMALL in image.repo_tags]) == 1


def test_by_digest(client):
    name = f"{OPEN}/small@{digest_of(images.SMALL)}"
    pull(client, name)
    image = client.image(name)
    assert name in image.repo_digests
    remove(client, name)
    assert client.image(name) is None


@pytest.mark.fender
def test_by_tag_and_digest(client):
    name = f"{images.SMALL}@{digest_of(images.SMALL)}"
    pull(client, name)
    assert client.image(f"{OPEN}/small@{digest_of(images.SMALL)}")


def test_removal_by_id_takes_every_tag(client, registry):
    pull(client, images.SMALL)
    image = client.image(images.SMALL)
    remove(client, image.id)
    assert client.image(images.SMALL) is None


@pytest.mark.v1_36
def test_removal_by_a_tag_takes_the_others_too(client, docker):
    pull(client, images.SMALL)
    if docker:
        docker("tag", images.SMALL, "elsewhere.local/small:2")
        until(lambda: "elsewhere.local/small:2" in client.image(images.SMALL).repo_tags)
    remove(client, images.SMALL)
    assert client.image("elsewhere.local/small:2") is None


@pytest.mark.parametrize("times", [1, 5])
def test_removals_at_once_all_succeed(client, times):
    pull(client, images.SMALL)
    calls = [client.RemoveImage.future(image=spec(images.SMALL)) for _ in range(times)]
    for call in calls:
        call.result()
    assert client.image(images.SMALL) is None


def test_removal_of_the_absent_succeeds(client):
    remove(client, f"{OPEN}/never/pulled:1")
    remove(client, "sha256:" + "0" * 64)


def test_pulls_at_once(client):
    calls = [client.PullImage.future(image=spec(images.SMALL)) for _ in range(6)]
    assert len({call.result().image_ref for call in calls}) == 1


@pytest.mark.v1_36
def test_removal_of_one_in_use_keeps_the_container(client, pods):
    pull(client, images.TWIN)
    container = pods.run().start()
    try:
        remove(client, client.image(images.BUSYBOX).id)
    except Exception:
        pass
    assert client.shell(container, "echo alive") == "alive\n"
    pull(client, images.BUSYBOX)


def test_absent_in_the_registry(client):
    with refused(match="not found"):
        pull(client, f"{OPEN}/no/such:1")
    with refused():
        pull(client, f"{OPEN}/small:no-such-tag")


@pytest.mark.parametrize("name", ["UPPER/Case", "a b", f"{OPEN}/small:", f"{OPEN}/small@sha256:12", "", "../../etc"])
def test_impossible_names(client, name):
    with refused():
        pull(client, name)


@pytest.mark.fender
def test_impossible_names_are_absent_or_refused(client):
    for name in ("UPPER/Case", "a b", "../../etc", "sha256:zz"):
        with refused("INVALID_ARGUMENT") if client_refuses(client, name) else none():
            assert client.image(name) is None


def client_refuses(client, name):
    import grpc
    try:
        client.image(name)
    except grpc.RpcError:
        return True
    return False


def none():
    import contextlib
    return contextlib.nullcontext()


@pytest.mark.fender
def test_unreachable_registry_has_its_prefix(client):
    with refused(match="RegistryUnavailable") as caught:
        pull(client, "127.0.0.1:5999/small:1")
    assert caught.value.details().startswith("RegistryUnavailable")


# Credentials.


LOCKED_SMALL = images.SMALL.replace(OPEN, LOCKED)


@pytest.mark.parametrize("auth", [
    dict(username=USER, password=PASSWORD),
    pytest.param(dict(username=USER, password=PASSWORD, server_address=LOCKED), marks=pytest.mark.fender),
    dict(auth=basic_auth()),
    dict(auth=basic_auth(), server_address=f"http://{LOCKED}"),
], ids=["name and password", "with address", "encoded", "encoded with address"])
def test_credentials(client, auth):
    pull(client, LOCKED_SMALL, **auth)
    assert client.image(LOCKED_SMALL)
    remove(client, LOCKED_SMALL)


@pytest.mark.parametrize("auth", [
    {}, dict(username=USER, password="wrong"), dict(auth="bm9ib2R5Om5vdGhpbmc=")], ids=["none", "wrong", "encoded"])
def test_wrong_credentials(client, auth):
    with refused():
        pull(client, LOCKED_SMALL, **auth)
    assert client.image(LOCKED_SMALL) is None


@pytest.mark.fender
@pytest.mark.parametrize("auth", ["%%%", "bm9jb2xvbg=="])
def test_malformed_credentials(client, auth):
    with refused("INVALID_ARGUMENT"):
        pull(client, LOCKED_SMALL, auth=auth)


@pytest.mark.fender
def test_credentials_stay_out_of_the_log(client, server):
    pull(client, LOCKED_SMALL, username=USER, password=PASSWORD)
    remove(client, LOCKED_SMALL)
    log = server.daemon.log.read_text(errors="replace")
    assert PASSWORD not in log and basic_auth() not in log


# Filesystem.


def test_filesystem_of_images(client):
    def counted():
        usages = client.ImageFsInfo().image_filesystems
        assert usages and all(usage.timestamp > 0 and usage.fs_id.mountpoint for usage in usages)
        return all(usage.used_bytes.value > 0 and usage.inodes_used.value > 0 for usage in usages)

    until(counted, timeout=30)  # some servers count now and then only


@pytest.mark.fender
def test_filesystem_of_containers(client):
    answer = client.ImageFsInfo()
    assert [usage.fs_id.mountpoint for usage in answer.container_filesystems] == [
        usage.fs_id.mountpoint for usage in answer.image_filesystems]


@pytest.mark.fender
def test_cancelled_pull(client):
    """A pull that nobody waits for any more is given up; the same pull works afterwards."""
    call = client.PullImage.future(image=spec(images.BIG))
    call.cancel()
    pull(client, images.BIG)
    assert client.image(images.BIG).size >= 24 << 20
    remove(client, images.BIG)


@pytest.mark.fender
def test_verbose_status(client):
    pull(client, images.SMALL)
    assert not client.ImageStatus(image=spec(images.SMALL)).info
    assert client.ImageStatus(image=spec(images.SMALL), verbose=True).info


@pytest.mark.docker
def test_the_pods_own_image_is_pinned(client, pods):
    pods.run()
    assert any(image.pinned and any("pause" in tag for tag in image.repo_tags) for image in listed(client))
