"""The package as users get it: built from the real project, installed, and run as a program."""

import contextlib
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import copier

from tests import source
from tests.core.history import Project
from tests.support import Outcome, Shared, run

MADE_OF = [*source.PARTS, "src", "CHANGELOG.md", "LICENSE", "README.md", "hatch_build.py", "pyproject.toml"]

AS_ANYONE = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]
"""Root obeys the modes of files only without these."""

ANSWERS = ("--defaults", "--data", "name=user-service", "--data", "module=example.com/x")


def build(project: Path, out: Path, *options: str) -> Outcome:
    command: list[str | Path] = [sys.executable, "-m", "build", "--no-isolation", "--outdir", out, *options, project]
    return run(command, cwd=project)


def make_distribution(path: Path) -> None:
    """The real project with a release and a commit more, and what is built from it, with a work tree that has moved on."""
    project = Project(path / "project")
    for part in MADE_OF:
        origin = source.ROOT / part
        if origin.is_dir():
            shutil.copytree(origin, project.path / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(origin, project.path / part)
    project.commit("release: v0.1.0", {"examples/service/go.mod": "module example\n", "tests/test_nothing.py": ""})
    project.commit("feat: notes", {"templates/go-http-service/NOTES.md": "New.\n"})
    project.write({"copier.yml": "not committed\n", "questions/new.yml": "not committed\n"})
    built = build(project.path, path / "dist")
    assert built.status == 0, built


@dataclass(frozen=True)
class Program:
    """The installed program."""

    path: Path
    site_packages: Path

    def new(self, target: Path, *options: str, env: Mapping[str, str], wrapper: Sequence[str] = ()) -> Outcome:
        """A run to its end. A wrapper is a command that runs the command after it."""
        return run([*wrapper, self.path, "new", *ANSWERS, *options, "--", target], cwd=Path("/"), env=env)

    def start(self, target: Path, *, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """A run that is under way, in a process group of its own, as a shell starts it."""
        words: list[str | Path] = [self.path, "new", *ANSWERS, "--", target]
        return subprocess.Popen(words, cwd="/", env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)


def installation(shared: Shared, wheel: Path) -> Program:
    """The wheel in a virtual environment whose path has a space. The other packages are those of the tests."""
    venv = shared.path / "an installation"
    library = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"

    def install() -> Outcome:
        made = run([sys.executable, "-m", "venv", "--without-pip", venv], cwd=shared.path)
        assert made.status == 0, made
        (venv / library / "others.pth").write_text(f"{Path(copier.__file__).parents[1]}\n")
        pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", venv, "install", "--quiet", "--no-deps", "--no-index"]
        return run([*pip, wheel], cwd=shared.path)

    outcome = shared.outcome("installation", install)
    assert outcome.status == 0, outcome
    return Program(venv / "bin/gopherforge", venv / library)


class Waiting:
    """A git hook of the user's at which a run waits."""

    def __init__(self, directory: Path) -> None:
        self.reached, self.released = directory / "reached", directory / "released"
        hook = directory / "hooks/pre-commit"
        hook.parent.mkdir(parents=True)
        hook.write_text(f"#!/bin/sh\necho > {self.reached}\ncat {self.released}\n")
        hook.chmod(0o755)
        for fifo in (self.reached, self.released):
            os.mkfifo(fifo)
        settings = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.hooksPath", "GIT_CONFIG_VALUE_0": str(hook.parent)}
        self.env = os.environ | settings

    @contextlib.contextmanager
    def run(self, installed: Program, target: Path) -> Iterator[subprocess.Popen[bytes]]:
        """A run that has rendered everything and has not yet committed it."""
        reached = os.open(self.reached, os.O_RDONLY | os.O_NONBLOCK)
        with installed.start(target, env=self.env) as process:
            readable, _, _ = select.select([reached], [], [], 60)
            os.close(reached)
            assert readable, process.communicate()
            yield process

    def release(self) -> None:
        self.released.write_text("")
