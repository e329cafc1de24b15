"""The Debian package: what lintian says, what is in it, and how it comes, changes and goes."""

import json
import re
import subprocess

import pytest

from conftest import TOP

# What a debug build has and a release build has not: the path of the toolchain's libraries.
DEBUG_TAGS = "custom-library-search-path"


def test_lintian_is_content(packages, programs):
    suppressed = ["--suppress-tags", DEBUG_TAGS] if programs.name == "debug" else []
    done = subprocess.run(["lintian", "--fail-on", "error,warning", *suppressed, packages[0]],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip() == ""


def contents(package):
    lines = subprocess.run(["dpkg-deb", "--contents", package], check=True, capture_output=True, text=True).stdout
    return {line.split()[5]: line.split()[:2] for line in lines.splitlines()}


def test_every_file_is_roots(packages):
    found = contents(packages[0])
    assert {owner for _, owner in found.values()} == {"root/root"}
    modes = {path: mode for path, (mode, _) in found.items()}
    assert modes["./usr/bin/fender"] == modes["./usr/libexec/fender/fender-monitor"] == "-rwxr-xr-x"
    assert modes["./etc/fender/config.toml"] == "-rw-r--r--"


def commands(command, path=()):
    path = (*path, command["commandName"])
    if path[1:2] != ("help",):
        yield path
        for child in command.get("subcommands", []):
            if child["commandName"] != "help":
                yield from commands(child, path)


def test_each_command_has_its_manual(packages, programs):
    tree = json.loads(subprocess.run([programs / "fender", "--experimental-dump-help"], check=True,
                                     capture_output=True).stdout)["command"]
    pages = {path.split("/")[-1] for path in contents(packages[0]) if "/man/" in path and path.endswith(".gz")}
    wanted = {f"{'-'.join(path)}.1.gz" for path in commands(tree)}
    assert len(wanted) > 8
    assert pages == wanted | {"fender-oci.8.gz", "fender.toml.5.gz"}


def test_manuals_tell_every_flag(machine, programs):
    machine.run(f"dpkg --install {machine.packages[0]}")
    serve = machine.run("MANWIDTH=200 man --warnings fender-serve 2>&1")
    settings = machine.run("MANWIDTH=200 man --warnings fender.toml 2>&1")
    assert "warning" not in serve.splitlines()[0] and "warning" not in settings.splitlines()[0]
    table = subprocess.run([programs / "fender", "options", "--form", "toml"], check=True, capture_output=True,
                           text=True).stdout
    keys = re.findall(r"^#(\w+) = ", table, re.M)
    assert len(keys) > 40
    for key in keys:
        assert f"--{key.replace('_', '-')}" in serve and f"{key} = " in settings
    oci = machine.run("MANWIDTH=200 man fender-oci")
    told = subprocess.run([programs / "fender-oci", "help"], check=True, capture_output=True, text=True).stdout
    assert all(command in oci for command in told.splitlines()[1].removeprefix("commands: ").split())


COMPLETE = """
source /usr/share/bash-completion/completions/fender
COMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)) COMP_LINE="{words}" COMP_POINT=${{#COMP_LINE}}
function=$(complete -p fender | sed 's/.*-F \\([^ ]*\\).*/\\1/')
$function fender "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD-1]}}" >/dev/null
echo "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize("words, expected", [
    ("fender mig", "migrate"), ("fender serve --log-l", "--log-level"), ("fender migrate --un", "--undo")])
def test_bash_completes(machine, words, expected):
    machine.run(f"dpkg --install {machine.packages[0]}")
    assert expected in machine.run("set +eu\n" + COMPLETE.format(words=words)).split()


def test_other_shells_know_the_flags(programs):
    for shell in ("zsh", "fish"):
        text = subprocess.run([programs / "fender", "--generate-completion-script", shell], check=True,
                              capture_output=True, text=True).stdout
        assert "log-level" in text and "migrate" in text


def test_units(machine):
    text = machine.run(f"""
        dpkg --install {machine.packages[0]} >/dev/null
        systemd-analyze verify /lib/systemd/system/fender.service /lib/systemd/system/fender.socket 2>&1 |
            sed 's/^/verify: /'
        systemd-analyze security --offline=true --threshold=100 /lib/systemd/system/fender.service
    """)
    found = text.splitlines()
    # Of other units the machine's own faults are told, too.
    assert not [line for line in found if line.startswith("verify: ") and "fender" in line], text
    # The reasons stand in the unit; this says so when a later systemd looks at more.
    unit = (TOP / "packaging/fender.service").read_text()
    missing = {match for line in found for match in re.findall(r"^✗ (\w+)=", line)}
    named = set(re.findall(r"(\w+)=", "".join(line for line in unit.splitlines() if line.startswith("#"))))
    assert missing - named <= {"User", "RootDirectory", "SupplementaryGroups", "Delegate", "RemoveIPC", "NotifyAccess"}


STATE = """
    find /etc/fender /var/lib/fender /usr/bin/fender* /usr/libexec/fender /etc/systemd/system -name '*fender*' 2>/dev/null |
        sort || true
"""


def test_comes_changes_and_goes(machine):
    first, second = machine.packages
    text = machine.run(f"""
        dpkg --install {first}
        getent group fender
        test ! -e /etc/systemd/system/multi-user.target.wants/fender.service
        echo 'log_level = "debug"' >>/etc/fender/config.toml
        mkdir -p /var/lib/fender/sandbox; echo kept >/var/lib/fender/sandbox/one
        fender version; fender options --form toml >/dev/null
        dpkg --install {second}
        dpkg-query --show --showformat '${{Version}}\\n' fender
        grep debug /etc/fender/config.toml
        dpkg --verify fender
        dpkg --remove fender
        cat /var/lib/fender/sandbox/one; test -e /etc/fender/config.toml; test ! -e /usr/bin/fender
        dpkg --purge fender
        test ! -e /var/lib/fender; test ! -e /etc/fender
        find / -xdev -path /proc -prune -o -name '*fender*' -newer {first} -print 2>/dev/null |
            grep -v -e ^{machine.directory} -e ^/work -e ^/tmp -e ^/var/tmp -e ^/var/log || true
    """)
    lines = text.splitlines()
    assert "Program: fender" in lines and "kept" in lines
    assert any(line.endswith("+1") for line in lines)
    # Of group files, which have no name of ours, only the group stays, as Debian wants it.
    assert not [line for line in lines[-5:] if line.startswith(("/etc", "/usr", "/lib", "/var/lib"))], lines[-5:]


def test_with_pods_under_systemd(packages, programs):
    """Install, upgrade, removal and purge under a real systemd, with a pod that outlives all of them."""
    done = subprocess.run(
        [TOP / "Tests/uml/run", "--limit", "280", "--memory", "2048", "--systemd", "--", "/bin/sh", "-c",
         f"cd {TOP} && .build-venv/bin/python Tests/package/on_systemd.py {packages[0]} {packages[1]} 2>&1"],
        capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "all done" in done.stdout
