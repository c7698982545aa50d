"""Measures what a command costs beside what it cannot avoid, and writes benchmarks/results/startup.md.

    python -m benchmarks.startup [ROUNDS]

The work tree is installed from a wheel into an environment of its own, as users have it. Compared are medians of whole processes.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.measuring import ROOT, Bound, interleaved, table, write

AUTHOR = {
    "GIT_AUTHOR_NAME": "benchmark",
    "GIT_AUTHOR_EMAIL": "benchmark@example.com",
    "GIT_COMMITTER_NAME": "benchmark",
    "GIT_COMMITTER_EMAIL": "benchmark@example.com",
}


class Budget(NamedTuple):
    """A command, the one that it is compared with, and how many times as long it may take."""

    command: str
    compared_with: str
    bound: Bound


BUDGETS = [
    Budget("gopherforge --version", 'python -c "import typer"', Bound(1.3, "≤ 1.3")),
    Budget("gopherforge --help", 'python -c "import typer"', Bound(1.3, "≤ 1.3")),
    Budget("gopherforge new --help", 'python -c "import typer"', Bound(1.3, "≤ 1.3")),
    Budget("gopherforge new --defaults --no-git", "copier copy", Bound(1.15, "≤ 1.15")),
]


def main(rounds: int = 21) -> int:
    """Measure, write the results, and return 1 where a budget is not kept."""
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        template = commit_work_tree(place / "gopherforge")
        programs = install(template, place / "venv")
        medians = measure(commands(programs, template), place, rounds)
    write(
        "startup",
        "Start-up and `new`",
        f"Medians of {rounds} interleaved runs of whole processes (`make bench`).",
        table(
            ["command", "takes, ms", "compared with", "takes, ms", "ratio", "bound"], [row(budget, medians) for budget in BUDGETS]
        ),
    )
    return int(not all(budget.bound.kept_by(ratio(budget, medians)) for budget in BUDGETS))


def commit_work_tree(clone: Path, *, releases: bool = False) -> Path:
    """A repository whose last commit is the work tree: what a release would be made of. Before it is nothing, or the releases."""
    begin = ["clone", "--quiet", "--no-checkout", str(ROOT)] if releases else ["init", "--quiet"]
    subprocess.run(["git", *begin, str(clone)], check=True)
    listed = subprocess.check_output(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True)
    for path in filter(None, listed.split("\0")):
        if (ROOT / path).is_file():
            (clone / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, clone / path)
    for words in (["add", "--all"], ["commit", "--quiet", "--allow-empty", "--message", "feat: the work tree"]):
        subprocess.run(["git", *words], cwd=clone, env=os.environ | AUTHOR, check=True)
    return clone


def install(project: Path, environment: Path) -> Path:
    """Install the project's wheel, and return the directory of the programs."""
    venv.create(environment, with_pip=True)
    programs = environment / "bin"
    subprocess.run([programs / "python", "-m", "pip", "install", "--quiet", project], check=True)
    return programs


def commands(programs: Path, template: Path) -> dict[str, list[str]]:
    """What to run for each name in BUDGETS. The last two make a service called `service`."""
    gopherforge = str(programs / "gopherforge")
    return {
        'python -c "import typer"': [str(programs / "python"), "-c", "import typer"],
        "gopherforge --version": [gopherforge, "--version"],
        "gopherforge --help": [gopherforge, "--help"],
        "gopherforge new --help": [gopherforge, "new", "--help"],
        "copier copy": [str(programs / "copier"), "copy", "--defaults", "--data", "name=service", str(template), "service"],
        "gopherforge new --defaults --no-git": [gopherforge, "new", "service", "--defaults", "--no-git"],
    }


def measure(timed: Mapping[str, list[str]], place: Path, rounds: int) -> dict[str, float]:
    """The median seconds of each command."""
    seconds = interleaved({name: partial(run, command, place) for name, command in timed.items()}, rounds)
    return {name: statistics.median(times) for name, times in seconds.items()}


def run(command: list[str], place: Path) -> float:
    """The seconds that a command takes in an empty directory."""
    with tempfile.TemporaryDirectory(dir=place) as empty:
        start = time.perf_counter()
        subprocess.run(command, cwd=empty, check=True, capture_output=True)
        return time.perf_counter() - start


def ratio(budget: Budget, medians: Mapping[str, float]) -> float:
    """How many times as long the command took as what it is compared with."""
    return medians[budget.command] / medians[budget.compared_with]


def row(budget: Budget, medians: Mapping[str, float]) -> list[str]:
    """The budget as cells of the table."""
    takes, other = medians[budget.command] * 1000, medians[budget.compared_with] * 1000
    measured = ratio(budget, medians)
    return [
        f"`{budget.command}`",
        f"{takes:.0f}",
        f"`{budget.compared_with}`",
        f"{other:.0f}",
        f"{measured:.2f}",
        budget.bound.verdict(measured),
    ]


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
