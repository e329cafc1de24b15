"""Every command in docs/ is run, as a new user would type it, or stands there with the reason why not."""

import subprocess

import documents
from conftest import TOP


def test_each_block_says_whether_it_is_run():
    found = documents.blocks()
    assert len([block for block in found if block.is_run]) >= 8
    for block in found:
        assert documents.MARKS.fullmatch(block.mark), (block.file, block.mark, block.commands)
        assert block.commands, block
        print(f"{block.file}: {block.mark}: {'; '.join(block.commands)}")


def test_links_lead_somewhere():
    import re
    for path in [*(TOP / "docs").glob("*.md"), TOP / "README.md", TOP / "README.zh.md"]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text()):
            assert (path.parent / target).exists(), (path.name, target)


def test_commands_do_what_they_should(packages):
    """In the order of the documents, under a real systemd."""
    done = subprocess.run(
        [TOP / "Tests/uml/run", "--limit", "200", "--memory", "2048", "--systemd", "--", "/bin/sh", "-c",
         f"cd {TOP} && .build-venv/bin/python Tests/package/on_docs.py {packages[0]} 2>&1"],
        capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert "all done" in done.stdout
