"""The program, run as users run it."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from gopherforge.cli import main


@dataclass(frozen=True)
class Ran:
    """How a run ended."""

    code: int
    stdout: str
    stderr: str


def names(directory: Path) -> list[str]:
    """What is in a directory, hidden files included."""
    return sorted(path.name for path in directory.iterdir())


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory."""
    place = tmp_path / "work"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def forge(work: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Runs the program's main function, without a terminal."""

    def run(*arguments: str, cwd: Path = work, env: Mapping[str, str] | None = None) -> Ran:
        with monkeypatch.context() as patch:
            patch.chdir(cwd)
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            code = main(arguments)
        return Ran(code, *capfd.readouterr())

    return run


@pytest.fixture
def installed(work: Path) -> Callable[..., Ran]:
    """Runs the installed program as a process of its own."""

    def run(*arguments: str, cwd: Path = work, env: Mapping[str, str] | None = None) -> Ran:
        command = [sys.executable, "-m", "gopherforge", *arguments]
        environ = {**os.environ, **(env or {})}
        done = subprocess.run(
            command, cwd=cwd, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run
