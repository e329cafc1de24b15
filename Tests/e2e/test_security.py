"""The security context: whom a container's process runs as, and what it may do."""

import json

import pytest

from harness import images
from harness.client import refused
from harness.schema import pb
from test_containers import ended, output

DEFAULT_CAPABILITIES = 0x00000000A80425FB
NET_ADMIN, SYS_ADMIN, CHOWN, NET_RAW = 12, 21, 0, 13


def user(value):
    return {"run_as_user": pb.Int64Value(value=value)}


def group(value):
    return {"run_as_group": pb.Int64Value(value=value)}


def identity(client, pod, **options):
    """uid, gid and the set of supplementary groups, as /proc tells them."""
    lines = output(pod, client, command=["/bin/cat", "/proc/self/status"], **options)
    fields = {name: value.split() for name, value in (line.split(":", 1) for line in lines)}
    return int(fields["Uid"][0]), int(fields["Gid"][0]), {int(value) for value in fields["Groups"]}


@pytest.mark.parametrize("security, expected", [
    ({}, (0, 0)),
    (user(1000), (1000, 1000)),
    (user(1000) | group(50), (1000, 50)),
    (user(4711), (4711, 0)),
    ({"run_as_username": "sailor"}, (1000, 1000)),
    ({"run_as_username": "sailor"} | group(50), (1000, 50)),
    (user(0) | group(7), (0, 7)),
], ids=str)
def test_user_and_group(client, pod, security, expected):
    assert identity(client, pod, security=security)[:2] == expected


@pytest.mark.parametrize("declared, expected", [
    ("1002", (1002, 0)), ("sailor", (1000, 1000)), ("1003:1004", (1003, 1004)), ("sailor:1004", (1000, 1004))])
def test_user_of_the_image(client, pod, declared, expected):
    image = images.USERS[declared]
    client.PullImage(image=pb.ImageSpec(image=image))
    assert identity(client, pod, image=image)[:2] == expected


def test_user_of_the_image_is_overruled(client, pod):
    image = images.USERS["1002"]
    client.PullImage(image=pb.ImageSpec(image=image))
    assert identity(client, pod, image=image, security=user(0))[0] == 0


def test_image_tells_its_user(client):
    for declared, image in images.USERS.items():
        client.PullImage(image=pb.ImageSpec(image=image))
        found = client.image(image)
        name = declared.split(":")[0]
        assert (found.uid.value, found.username) == ((int(name), "") if name.isdigit() else (0, name))
        assert found.HasField("uid") == name.isdigit()


def test_group_without_user_is_refused(client, pod):
    with refused():
        pod.create(security=group(50))


def test_unknown_name_is_refused(client, pod):
    with refused():
        pod.start(security={"run_as_username": "stowaway"})


def test_supplementary_groups(client, pod):
    uid, gid, groups = identity(client, pod, security=user(1000) | {"supplemental_groups": [1234, 5678]})
    assert (uid, gid) == (1000, 1000)
    assert {1234, 5678} <= groups


def test_groups_of_the_image_are_merged(client, pod):
    assert 50000 in identity(client, pod, security=user(1000) | {"supplemental_groups": [1234]})[2]


@pytest.mark.v1_36
def test_strict_policy_leaves_out_the_images_groups(client, pod):
    if not client.Status().features.supplemental_groups_policy:
        pytest.skip("the server does not offer it")
    groups = identity(client, pod, security=user(1000) | {
        "supplemental_groups": [1234], "supplemental_groups_policy": pb.Strict})[2]
    assert 1234 in groups and 50000 not in groups


@pytest.mark.v1_36
def test_status_tells_the_user(client, pods):
    container = pods.run().start(security=user(1000) | {"supplemental_groups": [1234]})
    found = client.status(container).user.linux
    assert (found.uid, found.gid) == (1000, 1000) and {1000, 1234, 50000} >= set(found.supplemental_groups) >= {1234}


# Capabilities.


def capabilities(client, pod, which="CapEff", **options):
    lines = output(pod, client, command=["/bin/grep", f"{which}:", "/proc/self/status"], **options)
    return int(lines[0].split()[1], 16)


def has(mask, number):
    return bool(mask >> number & 1)


def test_usual_capabilities(client, pod):
    assert capabilities(client, pod) == DEFAULT_CAPABILITIES


@pytest.mark.parametrize("name", [
    "NET_ADMIN", "net_admin", pytest.param("CAP_NET_ADMIN", marks=pytest.mark.fender)])
def test_added_capability(client, pod, name):
    mask = capabilities(client, pod, security={"capabilities": pb.Capability(add_capabilities=[name])})
    assert mask == DEFAULT_CAPABILITIES | 1 << NET_ADMIN


def test_dropped_capability(client, pod):
    mask = capabilities(client, pod, security={"capabilities": pb.Capability(drop_capabilities=["CHOWN"])})
    assert mask == DEFAULT_CAPABILITIES & ~(1 << CHOWN)


def test_all_but_one_dropped(client, pod):
    mask = capabilities(client, pod, security={
        "capabilities": pb.Capability(add_capabilities=["NET_RAW"], drop_capabilities=["ALL"])})
    assert mask == 1 << NET_RAW


def test_all_dropped(client, pod):
    assert capabilities(client, pod, security={"capabilities": pb.Capability(drop_capabilities=["ALL"])}) == 0


def test_all_added(client, pod):
    mask = capabilities(client, pod, security={"capabilities": pb.Capability(add_capabilities=["ALL"])})
    assert has(mask, SYS_ADMIN) and has(mask, NET_ADMIN)


@pytest.mark.fender
def test_unknown_capability_is_refused(client, pod):
    with refused():
        pod.start(security={"capabilities": pb.Capability(add_capabilities=["NO_SUCH_THING"])})


def test_privileged(client, pods):
    pod = pods.run(privileged=True)
    container = pod.start(security={"privileged": True})
    mask = int(client.shell(container, "/bin/grep CapEff: /proc/self/status").split()[1], 16)
    assert has(mask, SYS_ADMIN)
    client.shell(container, "/bin/mount -t tmpfs x /tmp && test -w /proc/sys/net/ipv4/ip_forward && test -e /dev/kmsg")


def test_unprivileged_cannot_mount(client, pod):
    container = pod.start(name="tries")
    assert client.ExecSync(container_id=container, cmd=["/bin/mount", "-t", "tmpfs", "x", "/tmp"]).exit_code != 0


# What it may not reach.


def test_no_new_privileges(client, pod):
    asked = dict(command=["/bin/effective-user"])
    assert output(pod, client, **asked, security=user(1000)) == ["0"]
    assert output(pod, client, **asked, security=user(1000) | {"no_new_privs": True}) == ["1000"]


def test_read_only_root(client, pod):
    container = pod.start(name="read-only", security={"readonly_rootfs": True})
    assert b"Read-only" in client.ExecSync(container_id=container, cmd=["/bin/touch", "/x"]).stderr
    client.exec(container, "/bin/touch", "/dev/shm/x")


def test_masked_and_read_only_paths(client, pod):
    container = pod.start(name="masked", security={
        "masked_paths": ["/etc/passwd", "/home"], "readonly_paths": ["/www", "/proc/sys"]})
    assert client.exec(container, "/bin/cat", "/etc/passwd") == ""
    assert client.exec(container, "/bin/ls", "/home") == ""
    assert client.exec(container, "/bin/cat", "/www/index.html")
    assert client.ExecSync(container_id=container, cmd=["/bin/touch", "/www/x"]).exit_code != 0
    client.exec(container, "/bin/touch", "/root/x")


@pytest.mark.fender
def test_no_masks_when_none_are_asked_for(client, pod):
    """The list is the kubelet's to make (procMount): an empty one means nothing is hidden."""
    container = pod.start(name="bare", security={"masked_paths": [], "readonly_paths": []})
    mounts = client.exec(container, "/bin/cat", "/proc/self/mounts")
    assert "/proc/kcore" not in mounts and "/proc/sys " not in mounts


# Seccomp.


def seccomp(client, pod, **security):
    lines = output(pod, client, command=["/bin/grep", "Seccomp:", "/proc/self/status"], security=security)
    return int(lines[0].split()[1])


@pytest.mark.parametrize("kind, mode", [(pb.SecurityProfile.RuntimeDefault, 2), (pb.SecurityProfile.Unconfined, 0)])
def test_seccomp_modes(client, pod, kind, mode):
    assert seccomp(client, pod, seccomp=pb.SecurityProfile(profile_type=kind)) == mode


def test_no_seccomp_unless_asked(client, pod):
    assert seccomp(client, pod) == 0


@pytest.fixture
def no_chmod(work):
    profile = work / "no-chmod.json"
    profile.write_text(json.dumps({
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["chmod", "fchmod", "fchmodat"], "action": "SCMP_ACT_ERRNO"}]}))
    return pb.SecurityProfile(profile_type=pb.SecurityProfile.Localhost, localhost_ref=str(profile))


def test_seccomp_profile_of_the_node(client, pod, no_chmod):
    container = pod.start(name="no-chmod", security={"seccomp": no_chmod})
    assert b"not permitted" in client.ExecSync(container_id=container, cmd=["/bin/chmod", "700", "/tmp"]).stderr
    client.exec(container, "/bin/touch", "/tmp/x")


def test_privileged_overrides_seccomp(client, pods, no_chmod):
    container = pods.run(privileged=True).start(security={"privileged": True, "seccomp": no_chmod})
    client.exec(container, "/bin/chmod", "700", "/tmp")


@pytest.mark.parametrize("content", [None, "", "not json", '{"defaultAction": 5}'])
def test_unusable_seccomp_profile_is_refused(client, pod, work, content):
    path = work / "unusable.json"
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_text(content)
    with refused():
        pod.start(security={"seccomp": pb.SecurityProfile(
            profile_type=pb.SecurityProfile.Localhost, localhost_ref=str(path))})


def test_what_a_sandbox_may_not_have_is_refused(client, pods):
    with refused():
        pods.run(run_as_group=pb.Int64Value(value=5))


def test_refused_containers_leave_nothing(client, pods):
    pod = pods.run()
    with refused():
        pod.create(security=group(50))
    container = pod.start(command=["/bin/true"])
    ended(client, container)
    assert [item.id for item in client.containers(pod_sandbox_id=pod.id)] == [container]
