"""Takes the picture of `gopherforge new` again: the screen of a real terminal after a real conversation. A test compares."""

import io
import os
import re
import sys
import tempfile
from itertools import groupby
from pathlib import Path

import pexpect
import pyte
from rich.console import Console
from rich.style import Style
from rich.text import Text

from tests.checkout import release
from tests.source import ROOT

PICTURE = ROOT / "docs/images/new.svg"

COLUMNS, LINES = 80, 60

PROMPT = "$ "
CONVERSATION = [  # what the terminal shows, and what is then typed
    (PROMPT, "gopherforge new\r"),
    ("(go-http-service)", "\r"),
    ("[my-service]:", "orders\r"),
    ("[example.com/orders]:", "github.com/acme/orders\r"),
    ("rest?", "y"),
    ("it?", "y"),
    ("The same without questions:", ""),
    (PROMPT, ""),
]


def main() -> None:
    """Write the picture, in place of the one that is there."""
    PICTURE.write_text(picture(), encoding="utf-8")
    print(PICTURE.relative_to(ROOT))


def picture() -> str:
    """The picture as SVG, the same for everyone."""
    with tempfile.TemporaryDirectory() as directory:
        screen = record(Path(directory))
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    for line in lines(screen):
        console.print(line)
    svg = console.export_svg(title="gopherforge new", unique_id="new")
    return re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)  # from the network


def record(place: Path) -> pyte.Screen:
    """The screen at the end of the conversation."""
    checkout = release(place / "checkout")
    for directory in ("bin", "work"):
        (place / directory).mkdir()
    program = place / "bin/gopherforge"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={checkout.package.parent} exec {sys.executable} -m gopherforge "$@"\n')
    program.chmod(0o755)
    environ = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "PS1": PROMPT,
        "TERM": "xterm-256color",
    }
    screen = pyte.Screen(COLUMNS, LINES)
    bash = ["--norc", "--noprofile"]
    size = (LINES, COLUMNS)
    with pexpect.spawn("bash", bash, cwd=place / "work", env=environ, dimensions=size, encoding="utf-8", timeout=60) as terminal:
        terminal.logfile_read = Onto(screen)
        for shown, typed in CONVERSATION:
            terminal.expect_exact(shown)
            terminal.send(typed)
    return screen


class Onto(io.StringIO):
    """What is written to it appears on a screen."""

    def __init__(self, screen: pyte.Screen) -> None:
        super().__init__()
        self._stream = pyte.Stream(screen)

    def write(self, text: str, /) -> int:
        """Show the text, and obey what is no text."""
        self._stream.feed(text)
        return len(text)


def lines(screen: pyte.Screen) -> list[Text]:
    """What is on the screen, without the prompt at its end."""
    return [_line(screen, row) for row in range(screen.cursor.y)]


def _line(screen: pyte.Screen, row: int) -> Text:
    cells = [screen.buffer[row][column] for column in range(COLUMNS)]
    line = Text()
    for (colour, bold), run in groupby(cells, key=lambda cell: (cell.fg, cell.bold)):
        style = Style(color=None if colour == "default" else f"#{colour}", bold=bold)
        line.append("".join(cell.data for cell in run), style)
    line.rstrip()
    return line


if __name__ == "__main__":
    main()
