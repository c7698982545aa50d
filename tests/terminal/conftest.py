"""The installed program on a pseudo-terminal of 80 by 24."""

import os
import sysconfig
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TypeAlias

import pexpect
import pytest

ENTER, DOWN, UP, ESC, CTRL_C, CTRL_D, CTRL_U = "\r", "\x1b[B", "\x1b[A", "\x1b", "\x03", "\x04", "\x15"

Terminal: TypeAlias = "pexpect.spawn[str]"
Start = Callable[..., Terminal]


@pytest.fixture
def start(tmp_path: Path) -> Generator[Start]:
    """Starts the program in an empty directory."""
    started: list[Terminal] = []
    (tmp_path / "work").mkdir()

    def spawn(*arguments: str, **env: str) -> Terminal:
        environ = {**os.environ, "TERM": "xterm-256color", **env}
        program = str(Path(sysconfig.get_path("scripts")) / "gopherforge")
        terminal = pexpect.spawn(
            program, list(arguments), cwd=str(tmp_path / "work"), env=environ, dimensions=(24, 80), encoding="utf-8", timeout=120
        )
        started.append(terminal)
        return terminal

    yield spawn
    for terminal in started:
        terminal.close(force=True)


def ends(terminal: Terminal) -> tuple[int | None, str]:
    """How the program ended, and the last of what it showed."""
    terminal.expect(pexpect.EOF)
    terminal.close()
    return terminal.exitstatus, str(terminal.before)
