"""Measures `update`, `set` and `status` of services, and writes benchmarks/results/update.md.

    python -m benchmarks.update [ROUNDS]

The work tree is installed from a wheel, with the releases before it, into an environment of its own, as users have it. Copier is
the one in that environment; it finds the same releases in a repository on this disk and, after the first round, in its cache.
Compared are medians of whole processes, all of one run.
"""

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.measuring import Bound, interleaved, table, write
from benchmarks.startup import AUTHOR, commit_work_tree, install

FIRST = "v0.1.0"
SERVICES = 1000
OFTEN = 5  # times as many rounds for what is quick

LIKE_COPIER, LIKE_VERSION = Bound(0.7, "≤ 0.7"), Bound(1.5, "≤ 1.5")
CHECK, MANY = Bound(250, "≤ 250 ms"), Bound(10_000, "≤ 10 s")

VERSION = "--version"

FULL = ["--data", "database=postgres", "--data", "license=MIT"]
EDITS = {
    "Makefile": "\n.PHONY: mine\nmine:\n\tgo run ./cmd/mine\n",
    "README.md": "\nMine.\n",
    "cmd/mine/main.go": 'package main\n\nfunc main() {\n\tprintln("mine")\n}\n',
}

Command = list[str | Path]


class Change(NamedTuple):
    """The same change of the same service, by both programs."""

    service: Path
    gopherforge: Command
    copier: Command


class Look(NamedTuple):
    """A command that changes nothing, and its bound: LIKE_VERSION, or one in milliseconds."""

    command: Command
    bound: Bound
    exit_code: int = 0


class Programs(NamedTuple):
    """The installed programs, and the environment in which both find the same templates."""

    directory: Path
    environ: Mapping[str, str]

    def run(self, command: Command, cwd: Path, exit_code: int = 0) -> float:
        """The milliseconds that a command takes. Ends the benchmark where it fails."""
        words = [self.directory / command[0], *command[1:]]
        start = time.perf_counter()
        done = subprocess.run(words, cwd=cwd, env=self.environ, capture_output=True, text=True, check=False)
        milliseconds = (time.perf_counter() - start) * 1000
        if done.returncode != exit_code:
            sys.exit(f"error: {' '.join(map(str, command[:4]))} ended with exit code {done.returncode}: {done.stderr}")
        return milliseconds

    def change(self, service: Path, command: Command) -> float:
        """The milliseconds that a command takes in a new copy of a service."""
        with tempfile.TemporaryDirectory(dir=service.parent) as copy:
            shutil.copytree(service, copy, dirs_exist_ok=True)
            git(Path(copy), "status")
            return self.run(command, Path(copy))


def main(rounds: int = 5) -> int:
    """Measure, write the results, and return 1 where a bound is not kept."""
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        programs = prepare(place)
        old, new = (make(programs, place / name, *words) for name, words in (("old", ["--ref", FIRST]), ("new", [])))
        changes = list_changes(programs, old, new)
        looks = list_looks(old, new)
        medians = measure(programs, changes, looks, place, rounds)
        newest = recorded(new, "_commit")
    rows, kept = [], []
    for name in changes:
        ours, copiers = medians[name], medians[by_copier(name)]
        kept.append(LIKE_COPIER.kept_by(ours / copiers))
        rows.append([name, f"{ours:.0f}", f"{copiers:.0f}", f"{ours / copiers:.2f}", LIKE_COPIER.verdict(ours / copiers)])
    others = [[f"`gopherforge {VERSION}`", f"{medians[VERSION]:.0f}", "", ""]]
    for name, look in looks.items():
        times = medians[name] / medians[VERSION]
        figure = times if look.bound == LIKE_VERSION else medians[name]
        kept.append(look.bound.kept_by(figure))
        others.append([name, f"{medians[name]:.0f}", f"{times:.2f}", look.bound.verdict(figure)])
    write(
        "update",
        "`update`, `set` and `status`",
        f"Medians of {rounds} interleaved runs of whole processes (`make bench`); of {rounds * OFTEN} where it is quick.",
        f"`update` goes from {FIRST} to {newest}; `set` stays at {newest}. Copier starts from the same services, with "
        "`copier update --defaults --vcs-ref VERSION` and with `--vcs-ref :current: --data KEY=VALUE`. It has all versions in "
        "its cache; the templates have no tasks. A full service has a database and a licence, and an author who committed edits.",
        table(["change", "gopherforge, ms", "Copier, ms", "ratio", "bound"], rows),
        "Of the thousand services every tenth has edits.",
        table(["command", "takes, ms", f"times `{VERSION}`", "bound"], others),
    )
    return int(not all(kept))


def prepare(place: Path) -> Programs:
    """Install both programs, and make the repository in which Copier finds what the wheel carries."""
    programs = install(commit_work_tree(place / "gopherforge", releases=True), place / "venv")
    (bundle,) = (place / "venv").glob("lib/python*/site-packages/gopherforge/carried/templates.bundle")
    git(place, "clone", "--bare", bundle, place / "history.git")
    environ = os.environ | AUTHOR | {"COPIER_CACHE_DIR": str(place / "cache")}
    url = recorded(make(Programs(programs, environ), place / "any"), "_src_path")
    settings = {"COUNT": "1", "KEY_0": f"url.{place / 'history.git'}.insteadOf", "VALUE_0": url}
    return Programs(programs, environ | {f"GIT_CONFIG_{name}": value for name, value in settings.items()})


def make(programs: Programs, service: Path, *words: str) -> Path:
    """A new service."""
    programs.run(["gopherforge", "new", service, "--defaults", "--data", "name=service", *words], service.parent)
    return service


def recorded(service: Path, key: str) -> str:
    """What a service records of its making."""
    (found,) = re.findall(f"^{key}: (.*)$", (service / ".copier-answers.yml").read_text(encoding="utf-8"), re.MULTILINE)
    return str(found)


def list_changes(programs: Programs, old: Path, new: Path) -> dict[str, Change]:
    """The changes by name, of services that are made for them and of these two."""
    newest = recorded(new, "_commit")
    full_old = make(programs, old.with_name("full-old"), "--ref", FIRST, *FULL)
    full_new = make(programs, new.with_name("full-new"), *FULL)
    for service in (full_old, full_new):
        edit(service, "feat: mine")

    def update(service: Path) -> Change:
        return Change(
            service,
            ["gopherforge", "update", "--to", newest],
            ["copier", "update", "--defaults", "--quiet", f"--vcs-ref={newest}"],
        )

    def answer(service: Path, answers: str) -> Change:
        copiers: Command = ["copier", "update", "--defaults", "--quiet", "--vcs-ref=:current:", "--data", answers]
        return Change(service, ["gopherforge", "set", answers], copiers)

    return {
        "`update`, defaults": update(old),
        "`update`, full": update(full_old),
        "`set database=postgres`, defaults": answer(new, "database=postgres"),
        "`set tracing=false`, full": answer(full_new, "tracing=false"),
    }


def list_looks(old: Path, new: Path) -> dict[str, Look]:
    """The commands that change nothing, by name."""
    edited = Path(shutil.copytree(new, new.with_name("edited")))
    packed = Path(shutil.copytree(new, new.with_name("packed")))  # as clones are
    git(packed, "gc", "--quiet")
    repositories, monorepo = new.with_name("repositories"), new.with_name("monorepo")
    for number in range(SERVICES):
        shutil.copytree(packed, repositories / str(number))
        shutil.copytree(packed, monorepo / str(number), ignore=shutil.ignore_patterns(".git"))
    edit(edited)
    git(monorepo, "init")
    commit(monorepo, "feat: a thousand services")
    for repository in (edited, *repositories.iterdir()):
        git(repository, "status")
    for number in range(0, SERVICES, 10):
        edit(repositories / str(number))
        edit(monorepo / str(number))
    found = 3
    return {
        "`update --check`": Look(["gopherforge", "update", "--check", old], CHECK, found),
        "`status`, a new service": Look(["gopherforge", "status", new], LIKE_VERSION),
        "`status`, with edits": Look(["gopherforge", "status", edited], LIKE_VERSION),
        "`status`, behind": Look(["gopherforge", "status", old], LIKE_VERSION),
        f"`status`, {SERVICES} repositories": Look(["gopherforge", "status", *sorted(repositories.iterdir())], MANY),
        f"`status`, {SERVICES} services in one repository": Look(
            ["gopherforge", "status", *(monorepo / str(number) for number in range(SERVICES))], MANY
        ),
    }


def edit(service: Path, title: str = "") -> None:
    """An author's edits of a service, committed where there is a title for that."""
    for name, text in EDITS.items():
        path = service / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    if title:
        commit(service, title)


def commit(directory: Path, title: str) -> None:
    """Commit everything."""
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--message", title)


def git(directory: Path, *words: str | Path) -> None:
    """Run git."""
    subprocess.run(["git", *words], cwd=directory, env=os.environ | AUTHOR, check=True, capture_output=True)


def by_copier(change: str) -> str:
    """The name of a change as Copier makes it."""
    return f"{change}, by Copier"


def measure(
    programs: Programs, changes: Mapping[str, Change], looks: Mapping[str, Look], place: Path, rounds: int
) -> dict[str, float]:
    """The median milliseconds of everything, by name."""
    quick: dict[str, Callable[[], float]] = {VERSION: partial(programs.run, ["gopherforge", VERSION], place)}
    slow: dict[str, Callable[[], float]] = {}
    for name, look in looks.items():
        (slow if look.bound == MANY else quick)[name] = partial(programs.run, look.command, place, look.exit_code)
    for name, change in changes.items():
        slow[name] = partial(programs.change, change.service, change.gopherforge)
        slow[by_copier(name)] = partial(programs.change, change.service, change.copier)
    measured = interleaved(quick, rounds * OFTEN) | interleaved(slow, rounds)
    return {name: statistics.median(times) for name, times in measured.items()}


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
