"""The tutorial as its reader follows it: files to write, changes to make, commands to type with what they print."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.source import ROOT

TUTORIAL = ROOT / "docs/tutorial.md"

ELLIPSIS = "…"

CONTINUED = "\\\n> "
"""A command that goes on in the next line, as a shell shows it."""

_BLOCK = re.compile(r"^```(?P<kind>\S+?)(?: \w+\n:caption: (?P<file>\S+)\n)?\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class File:
    """A file to write."""

    path: str
    text: str


@dataclass(frozen=True)
class Change:
    """A change of files, as a diff."""

    diff: str


@dataclass(frozen=True)
class Command:
    """A command to type, and what it is said to print."""

    line: str
    shown: str

    def prints(self, output: str) -> bool:
        """Whether an output is the one shown: … stands for any text in a line, or alone for any lines."""
        lines = [
            r"(?:.*\n)*?" if line == ELLIPSIS else ".*?".join(map(re.escape, line.split(ELLIPSIS))) + r"\n"
            for line in self.shown.splitlines()
        ]
        whole = output if output.endswith("\n") or not output else f"{output}\n"
        return re.fullmatch("".join(lines), whole) is not None


Step = File | Change | Command


def steps(page: Path = TUTORIAL) -> list[Step]:
    """What a page tells to do, in order. Blocks of other kinds only explain."""
    return [step for block in _BLOCK.finditer(page.read_text(encoding="utf-8")) for step in _steps(block)]


def _steps(block: re.Match[str]) -> Iterator[Step]:
    if block["file"]:
        yield File(block["file"], block["text"].lstrip("\n"))
    elif block["kind"] == "diff":
        yield Change(block["text"])
    elif block["kind"] == "console":
        for typed in block["text"].removeprefix("$ ").split("\n$ "):
            line, _, shown = typed.replace(CONTINUED, " ").partition("\n")
            yield Command(line, shown if shown.endswith("\n") or not shown else f"{shown}\n")
