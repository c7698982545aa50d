"""The program as it is installed, with small templates whose steps change many files; and a service that it made."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gopherforge import bundle, source
from gopherforge.scratch import scratch_directory
from tests.support import Outcome, Shared, run
from tests.update.authored import Files, files, git, kinds, state
from tests.update.upstream import make, save, template, upstream

_FILES = 24


@dataclass(frozen=True)
class Command:
    """A whole command, and one like it with nothing to do, which only recovers."""

    name: str
    words: tuple[str, ...]
    nothing: tuple[str, ...]


COMMANDS = [
    Command("update", ("update",), ("update", "--to", "v0.3.0")),
    Command("set", ("set", "store=none"), ("set", "store=postgres")),
]

# The program, which gets a signal before its first call that the last condition is true of, once the others were, in order.
_HOOK = """if True:
    import os, signal, sys
    conditions = [{conditions}]
    def hook(event, what):
        if conditions and conditions[0](event, str(what[0]) if what else "", what):
            del conditions[0]
            if not conditions:
                os.kill(os.getpid(), signal.{signal})
    sys.addaudithook(hook)
    from gopherforge.cli import main
    sys.exit(main())
"""
GUARD_COMES = 'lambda event, path, _: event == "open" and path.endswith("/.git/gopherforge.lock")'
GUARD_IS_LOCKED = 'lambda event, *_: event == "fcntl.flock"'
PLAN_GOES = 'lambda event, path, _: event == "os.remove" and path.endswith("/gopherforge/plan.json")'
BRANCH_COMES = 'lambda event, path, what: event == "subprocess.Popen" and "update-ref" in what[1]'
REMOVAL = 'lambda event, path, _: event == "shutil.rmtree" and path.startswith("{scratch}")'
INDEX_COMES = 'lambda event, _, what: event == "os.rename" and str(what[1]).endswith("/.git/index")'


class Service:
    """A service of v0.3.0 with a file of its author's, and a program that has v0.4.0; again and again in the old state."""

    def __init__(self, path: Path, shared: Shared) -> None:
        site = shared.directory("update/installed", _install)
        self.path, self.scratch = path / "orders", path / "temporary files"
        self.scratch.mkdir()
        shutil.copytree(site / "orders", self.path, symlinks=True)
        git(self.path, "update-index", "-q", "--refresh")
        self.environ: Mapping[str, str] = os.environ | {"PYTHONPATH": str(site), "TMPDIR": str(self.scratch)}
        self.program = (sys.executable, "-m", "gopherforge")
        self.start()

    def start(self) -> None:
        """From here on, this is the old state."""
        self.before = state(self.path)

    def run(self, words: Sequence[str], **environ: str) -> Outcome:
        """A command to its end."""
        return run([*self.program, *words], cwd=self.path, env={**self.environ, **environ})

    def started(self, command: Command) -> "subprocess.Popen[str]":
        """A command that runs, in a process group of its own, with all that it says on one pipe."""
        return subprocess.Popen(
            [*self.program, *command.words],
            cwd=self.path,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
            errors="replace",  # a killed program may have written half a character
        )

    def signalled(self, number: signal.Signals, conditions: Sequence[str]) -> None:
        """From here on, the program gets a signal of its own at its first call that fits, as in the templates above."""
        listed = ", ".join(conditions).replace("{scratch}", str(self.scratch))
        self.program = (sys.executable, "-c", _HOOK.format(conditions=listed, signal=number.name))

    def will_be(self, command: Command) -> None:
        """Have the command run: this is the new state."""
        done = self.run(command.words)
        assert done.status == 0, done
        self._new, self._tree = kinds(files(self.path)), git(self.path, "write-tree")
        self.reset()
        assert kinds(files(self.path)) != self._new

    def is_old(self) -> bool:
        """Byte for byte, and the time of every file."""
        return state(self.path) == self.before

    def is_new(self) -> bool:
        """Files and index, and nothing left behind."""
        return (
            kinds(files(self.path)) == self._new
            and git(self.path, "write-tree") == self._tree
            and git(self.path, "diff-files", "--name-only") == ""
            and self.left() == []
        )

    @property
    def area(self) -> Path:
        """What is there while the program changes files."""
        return self.path / ".git/gopherforge"

    def left(self) -> list[str]:
        """What no run may leave in the git directory."""
        return [path.name for path in (self.path / ".git").iterdir() if "gopherforge" in path.name or "lock" in path.name]

    def reset(self) -> None:
        """Back to the old state."""
        git(self.path, "reset", "--quiet", "--hard")
        self.start()


def until(process: "subprocess.Popen[Any]", happened: Callable[[], bool]) -> None:
    """Wait until something has happened, or the process has ended."""
    while process.poll() is None and not happened():
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.001)


def _install(site: Path) -> None:
    """The package as in a wheel, and a service."""
    site.mkdir()
    shutil.copytree(source.PACKAGE, site / "gopherforge", ignore=shutil.ignore_patterns("__pycache__", source.CARRIED))
    project = upstream(site / "project")
    project.commit("feat: many files", template(_many("old")))
    project.commit("release: v0.3.0", {})
    project.git("rm", "--quiet", "-r", "templates/go-http-service/many/away")
    project.commit("feat: other files", template(_many("new")))
    project.commit("release: v0.4.0", {})
    with scratch_directory(site) as scratch:
        bundle.carry(project.path, scratch, os.environ).rename(site / "gopherforge" / source.CARRIED)
    make(project, site / "orders", "v0.3.0", {"store": "postgres"})
    save(site / "orders", "mine", {"notes.md": "mine\n"})


def _many(side: str) -> Files:
    """Files that follow the version and the answer, and some of each version alone, in directories."""
    both = {f"many/{number % 3}/{number}.txt.jinja": f"{side} [[ store ]] {number}\n" for number in range(_FILES)}
    alone = {f"many/{'away' if side == 'old' else 'more'}/{number}/file.txt": f"{side}\n" for number in range(_FILES // 4)}
    return both | alone
