"""The commands in docs/: what stands in `console` blocks, each behind a comment that says whether tests run it."""

import pathlib
import re
from dataclasses import dataclass

TOP = pathlib.Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"(?:<!-- (?P<mark>[^>]*) -->\n)?```console\n(?P<text>.*?)```\n", re.S)
MARKS = re.compile(r"run|run, may end with 1|not run: .+")


@dataclass
class Block:
    file: str
    mark: str
    commands: list

    @property
    def is_run(self):
        return not self.mark.startswith("not run")


def blocks():
    found = []
    for path in sorted((TOP / "docs").glob("*.md")):
        for match in BLOCK.finditer(path.read_text()):
            lines = match["text"].splitlines()
            found.append(Block(path.name, match["mark"] or "", [line[2:] for line in lines if line[:2] in ("$ ", "# ")]))
    return found
