"""Pods with a user namespace of their own: root in them is somebody without rights on the node."""

import json
import os
import pathlib
import re

import pytest

from harness import images
from harness.client import refused
from harness.schema import pb
from harness.waiting import until
from harness.websocket import STDIN, STDOUT, WebSocket

pytestmark = pytest.mark.native

HOST, LENGTH = 300000, 65536


def ids(container=0, host=HOST, length=LENGTH):
    return [pb.IDMapping(container_id=container, host_id=host, length=length)]


def users(mode=pb.POD, uids=None, gids=None):
    uids = ids() if uids is None else uids
    return pb.UserNamespace(mode=mode, uids=uids, gids=uids if gids is None else gids)


def info(client, container):
    return json.loads(client.ContainerStatus(container_id=container, verbose=True).info["info"])


def owner(path):
    status = os.stat(path)
    return status.st_uid, status.st_gid


@pytest.fixture(scope="module")
def pod(shared_pods):
    return shared_pods.run(userns=users())


@pytest.fixture(scope="module")
def container(pod):
    return pod.start()


@pytest.fixture
def volume(work, request):
    directory = work / "userns" / request.node.name.replace("/", "_")
    directory.mkdir(parents=True)
    (directory / "of-root").write_text("root's\n")
    (directory / "of-root").chmod(0o600)
    (directory / "of-1000").write_text("sailor's\n")
    os.chown(directory / "of-1000", 1000, 1000)
    return directory


def test_the_runtime_says_that_it_can(client):
    status = client.Status()
    assert {handler.name for handler in status.runtime_handlers if handler.features.user_namespaces} == {"", "native"}
    assert status.features.user_namespaces_host_network


def test_maps_and_processes(client, pod, container):
    for file in ("uid_map", "gid_map"):
        assert client.exec(container, "/bin/cat", f"/proc/self/{file}").split() == ["0", str(HOST), str(LENGTH)]
    assert client.shell(container, "id -u; id -g").split() == ["0", "0"]
    status = pathlib.Path(f"/proc/{info(client, container)['pid']}/status").read_text()
    assert f"Uid:\t{HOST}\t{HOST}" in status and f"Gid:\t{HOST}\t{HOST}" in status
    pause = json.loads(client.PodSandboxStatus(pod_sandbox_id=pod.id, verbose=True).info["info"])["pid"]
    assert f"Uid:\t{HOST + 65535}\t" in pathlib.Path(f"/proc/{pause}/status").read_text()
    space = os.readlink(f"/proc/{pause}/ns/user")
    assert os.readlink(f"/proc/{info(client, container)['pid']}/ns/user") == space != os.readlink("/proc/self/ns/user")


def test_the_status_tells_the_options(pod):
    assert pod.status.linux.namespaces.options.userns_options == users()


def test_the_root_file_system_is_roots(client, container):
    assert client.shell(container, "stat -c %u:%g / /bin/busybox /etc/passwd").split() == ["0:0"] * 3
    client.shell(container, "echo mine > /etc/passwd && chown 1000:1000 /etc/passwd && mkdir /made && chmod 700 /made")
    assert client.shell(container, "stat -c %u:%g /etc/passwd /made").split() == ["1000:1000", "0:0"]
    # A program with the set-user-id bit is one of the namespace's root, not the node's.
    assert client.exec(container, "/bin/effective-user").strip() == "0"


def test_what_is_written_belongs_to_the_pods_users(client, server, container):
    upper = server.state / "images/snapshots" / container / "upper"
    client.shell(container, "touch /of-root; touch /of-sailor; chown 1000:1001 /of-sailor")
    assert owner(upper / "of-root") == (HOST, HOST)
    assert owner(upper / "of-sailor") == (HOST + 1000, HOST + 1001)
    assert owner(upper) == (HOST, HOST)


def test_the_pods_files(client, container):
    assert client.shell(container, "stat -c %u:%g /etc/hosts /etc/resolv.conf /etc/hostname").split() == ["0:0"] * 3
    client.shell(container, "echo 10.9.9.9 added >> /etc/hosts; touch /dev/shm/x /tmp/x")
    assert client.shell(container, "stat -c %a:%u /dev/shm").strip() == "1777:0"
    assert client.shell(container, "stat -c %u /dev/shm/x").strip() == "0"


def test_kernel_file_systems_and_devices(client, container):
    script = "cat /proc/self/mounts"
    mounts = {line.split()[1]: line.split() for line in client.shell(container, script).splitlines()}
    assert mounts["/proc"][2] == "proc" and mounts["/sys"][2] == "sysfs" and mounts["/dev/mqueue"][2] == "mqueue"
    assert mounts["/dev/pts"][2] == "devpts" and f"gid={HOST + 5}" in mounts["/dev/pts"][3]
    assert "ro" in mounts["/sys"][3].split(",") and "/sys/fs/cgroup" in mounts
    assert client.shell(container, "echo gone > /dev/null; head -c 4 /dev/zero | od -An -tx1").split() == ["00"] * 4
    assert "eth0" in client.shell(container, "ls /sys/class/net").split()
    assert client.shell(container, "cat /proc/self/cgroup | head -1")


def test_no_rights_on_the_node(client, container):
    """Not even with all capabilities, which are those of its own namespace."""
    answer = client.ExecSync(container_id=container, cmd=["/bin/sh", "-c", "echo 1 > /proc/sys/vm/drop_caches"])
    assert answer.exit_code != 0
    answer = client.ExecSync(container_id=container, cmd=["/bin/mknod", "/disk", "b", "8", "0"])
    assert answer.exit_code != 0 and b"not permitted" in answer.stderr


def test_users_and_groups(client, pod):
    container = pod.start(name="user", security=dict(
        run_as_user=pb.Int64Value(value=1234), run_as_group=pb.Int64Value(value=4321), supplemental_groups=[2000, 3000]))
    assert client.shell(container, "id -u; id -g; id -G").split() == ["1234", "4321", "4321", "2000", "3000"]
    status = pathlib.Path(f"/proc/{info(client, container)['pid']}/status").read_text()
    assert f"Uid:\t{HOST + 1234}\t" in status and f"{HOST + 2000} {HOST + 3000}" in status
    user = client.status(container).user.linux
    assert (user.uid, user.gid) == (1234, 4321)


def test_an_images_user(client, pod):
    client.PullImage(image=pb.ImageSpec(image=images.USERS["sailor"]))
    container = pod.start(name="sailor", image=images.USERS["sailor"])
    assert client.shell(container, "id -u; echo $HOME").split() == ["1000", "/home/sailor"]


def test_a_user_that_the_namespace_lacks_is_refused(pod):
    with refused("INVALID_ARGUMENT", match="user 65536 is not in"):
        pod.create(name="outside", security=dict(run_as_user=pb.Int64Value(value=65536)))
    with refused("INVALID_ARGUMENT", match="group 70000 is not in"):
        pod.create(name="outside", security=dict(
            run_as_user=pb.Int64Value(value=0), supplemental_groups=[70000]))


def test_an_id_mapped_volume(client, pod, volume):
    mount = pb.Mount(host_path=str(volume), container_path="/data", uidMappings=ids(), gidMappings=ids())
    plain = pb.Mount(host_path=str(volume), container_path="/plain")
    container = pod.start(name="mapped", mounts=[mount, plain])
    assert client.shell(container, "stat -c %u /data/of-root /data/of-1000").split() == ["0", "1000"]
    assert client.shell(container, "stat -c %u /plain/of-root").split() == ["65534"]
    assert client.exec(container, "/bin/cat", "/data/of-root") == "root's\n"
    client.shell(container, "echo new > /data/new; touch /data/other; chown 7:8 /data/other")
    assert owner(volume / "new") == (0, 0) and owner(volume / "other") == (7, 8)
    answer = client.ExecSync(container_id=container, cmd=["/bin/cat", "/plain/of-root"])
    assert answer.exit_code != 0 and b"Permission denied" in answer.stderr


def test_an_id_mapped_file_read_only(client, pod, volume):
    mount = pb.Mount(host_path=str(volume / "of-root"), container_path="/etc/one", readonly=True,
                     uidMappings=ids(), gidMappings=ids())
    container = pod.start(name="file", mounts=[mount])
    assert client.exec(container, "/bin/cat", "/etc/one") == "root's\n"
    assert client.ExecSync(container_id=container, cmd=["/bin/touch", "/etc/one"]).exit_code != 0


def test_mappings_of_a_mount_come_together(pod, volume):
    with refused("INVALID_ARGUMENT", match="come together"):
        pod.create(name="half", mounts=[pb.Mount(host_path=str(volume), container_path="/d", uidMappings=ids())])


@pytest.mark.parametrize("image", [images.VOLUME, images.BUSYBOX], ids=["one layer", "many"])
def test_an_image_volume(client, pod, image):
    client.PullImage(image=pb.ImageSpec(image=image))
    container = pod.start(name="image", mounts=[
        pb.Mount(container_path="/image", readonly=True, image=pb.ImageSpec(image=image))])
    owners = client.shell(container, "stat -c %u /image /image/*").split()
    assert set(owners) == {"0"}
    assert client.ExecSync(container_id=container, cmd=["/bin/touch", "/image/x"]).exit_code != 0


def test_terminal_log_and_streaming(client, pod):
    config = pod.container(name="terminal", tty=True, stdin=True, command=["/bin/sh", "-c", "stat -c %u $(tty); cat"])
    container = pod.start(config)
    until(lambda: "stdout F 0" in pod.log(config).read_text(), what="the terminal's owner")
    attached = WebSocket(client.Attach(container_id=container, stdin=True, stdout=True, tty=True).url,
                         "v5.channel.k8s.io")
    attached.send(STDIN, b"hello\n")
    attached.read_until(b"hello\r\nhello\r\n")
    attached.abandon()
    execution = WebSocket(client.Exec(container_id=container, cmd=["/bin/sh", "-c", "tty; id -u"], stdin=True,
                                      stdout=True, tty=True).url, "v5.channel.k8s.io").collect()
    assert re.fullmatch(rb"/dev/pts/\d+\r\n0\r\n", execution[STDOUT]), execution


def test_output_can_be_opened(client, pod):
    config = pod.container(name="output", command=["/bin/sh", "-c", "echo one > /dev/stdout; echo two > /dev/stderr"])
    pod.start(config)
    until(lambda: "two" in pod.log(config).read_text(), what="both lines")
    assert "stdout F one" in pod.log(config).read_text() and "stderr F two" in pod.log(config).read_text()


def test_port_forward(client, pod, container):
    client.shell(container, "(echo served | nc -l -p 8088 >/dev/null 2>&1) &")
    until(lambda: ":8088" in client.exec(container, "/bin/netstat", "-ltn"), what="it listens")
    connection = WebSocket(client.PortForward(pod_sandbox_id=pod.id, port=[8088]).url, "v4.channel.k8s.io")
    assert b"served" in connection.read_until(b"served\n", channel=0)
    connection.abandon()


def test_sysctls(client, pods):
    wanted = {"net.ipv4.conf.all.rp_filter": "2", "kernel.shmmax": "123456789", "fs.mqueue.msg_max": "17"}
    container = pods.run(userns=users(), sysctls=wanted).start()
    files = " ".join("/proc/sys/" + name.replace(".", "/") for name in wanted)
    assert client.shell(container, f"cat {files}").split() == list(wanted.values())
    assert client.exec(container, "/bin/cat", "/proc/sys/net/ipv4/ping_group_range").split() == ["0", str(LENGTH - 1)]


def test_a_shared_pid_namespace(client, pods):
    pod = pods.run(userns=users(), pid=pb.POD)
    first, second = pod.start(name="first"), pod.start(name="second")
    assert client.shell(first, "cat /proc/1/comm").strip() == "pause"
    assert client.shell(second, "ls -d /proc/[0-9]* | wc -l").strip() != "1"
    debugger = pod.start(name="target", pid=pb.TARGET, target=first)
    assert "sleep" in client.shell(debugger, "cat /proc/*/cmdline")


def test_the_nodes_network(client, pods):
    pod = pods.run(userns=users(), network=pb.NODE)
    container = pod.start()
    assert client.exec(container, "/bin/cat", "/proc/self/uid_map").split()[1] == str(HOST)
    assert set(client.shell(container, "ls /sys/class/net").split()) == set(os.listdir("/sys/class/net"))
    assert client.ExecSync(container_id=container, cmd=["/bin/ip", "link", "add", "x0", "type", "dummy"]).exit_code != 0
    assert client.ExecSync(container_id=container, cmd=["/bin/mkdir", "/sys/fs/cgroup/x"]).exit_code != 0


def test_a_privileged_container(client, pods):
    pod = pods.run(userns=users(), privileged=True)
    container = pod.start(security=dict(privileged=True))
    assert client.exec(container, "/bin/cat", "/proc/self/uid_map").split()[1] == str(HOST)
    client.shell(container, "mkdir /m && mount -t tmpfs none /m && umount /m; ls /dev/null")
    assert client.ExecSync(container_id=container, cmd=["/bin/sh", "-c", "echo > /proc/sysrq-trigger"]).exit_code != 0


def test_limits_and_statistics(client, pod):
    container = pod.start(name="limited", resources=dict(memory_limit_in_bytes=64 << 20))
    client.UpdateContainerResources(container_id=container, linux=pb.LinuxContainerResources(
        memory_limit_in_bytes=96 << 20))
    assert client.status(container).resources.linux.memory_limit_in_bytes == 96 << 20
    stats = client.ContainerStats(container_id=container).stats
    assert stats.memory.working_set_bytes.value > 0 and stats.cpu.timestamp
    assert client.PodSandboxStats(pod_sandbox_id=pod.id).stats.linux.network.default_interface.name == "eth0"


def test_they_outlive_the_daemon(client, server, pods):
    pod = pods.run(userns=users())
    container = pod.start()
    before = client.status(container), pod.status
    server.restart()
    assert (client.status(container), pod.status) == before
    assert client.exec(container, "/bin/cat", "/proc/self/uid_map").split()[1] == str(HOST)
    again = pod.start(name="again")
    assert client.exec(again, "/bin/cat", "/proc/self/uid_map").split()[1] == str(HOST)


def test_pods_have_users_of_their_own(client, pods):
    first = pods.run(userns=users()).start()
    second = pods.run(userns=users(uids=ids(host=HOST + LENGTH))).start()
    maps = [client.exec(container, "/bin/cat", "/proc/self/uid_map").split()[1] for container in (first, second)]
    assert maps == [str(HOST), str(HOST + LENGTH)]


def test_mode_node_is_the_nodes(client, pods):
    container = pods.run(userns=users(pb.NODE, [])).start()
    assert client.exec(container, "/bin/cat", "/proc/self/uid_map") == pathlib.Path("/proc/self/uid_map").read_text()


@pytest.mark.parametrize("options, words", [
    (dict(userns=users(uids=ids() * 2)), "exactly one"),
    (dict(userns=users(uids=[])), "exactly one"),
    (dict(userns=users(gids=[])), "exactly one"),
    (dict(userns=users(uids=ids(container=1))), "container id 0"),
    (dict(userns=users(uids=ids(length=0))), "length"),
    (dict(userns=users(gids=ids(length=1000))), "same length"),
    (dict(userns=users(uids=ids(host=2**32 - 10, length=100))), "ids end"),
    (dict(userns=users(pb.NODE)), "no mappings"),
    (dict(userns=users(pb.CONTAINER)), "only POD and NODE"),
    (dict(userns=users(pb.TARGET)), "only POD and NODE"),
    (dict(userns=users(), pid=pb.NODE), "pid namespace"),
    (dict(userns=users(), ipc=pb.NODE), "ipc namespace"),
], ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "")
def test_what_cannot_be_is_refused(client, pods, options, words):
    with refused("INVALID_ARGUMENT", match=words):
        pods.run(**options)


def test_a_container_has_its_pods_users(pod, pods):
    config = pod.container(name="other")
    config.linux.security_context.namespace_options.userns_options.uids[0].host_id = 1
    with refused("INVALID_ARGUMENT", match="not those of sandbox"):
        pod.create(config)
    plain = pods.run()
    config = plain.container()
    config.linux.security_context.namespace_options.userns_options.CopyFrom(users())
    with refused("INVALID_ARGUMENT", match="not those of sandbox"):
        plain.create(config)


def test_a_container_that_says_nothing_has_its_pods_too(client, pod):
    config = pod.container(name="silent")
    config.linux.security_context.namespace_options.ClearField("userns_options")
    assert client.exec(pod.start(config), "/bin/cat", "/proc/self/uid_map").split()[1] == str(HOST)
