"""Measures what a command costs beside what it cannot avoid, and writes benchmarks/results/startup.md.

    python benchmarks/startup.py [ROUNDS]

The work tree is installed from a wheel into an environment of its own, as users have it. Every round runs each command once, so
that a noisy moment touches all of them alike; compared are the medians of whole processes.
"""

import datetime as dt
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks/results/startup.md"

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
    bound: float


BUDGETS = [
    Budget("gopherforge --version", 'python -c "import typer"', 1.3),
    Budget("gopherforge --help", 'python -c "import typer"', 1.3),
    Budget("gopherforge new --help", 'python -c "import typer"', 1.3),
    Budget("gopherforge new --defaults --no-git", "copier copy", 1.15),
]


def main(rounds: int = 21) -> int:
    """Measure, write the results, and return 1 where a budget is not kept."""
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        template = commit_work_tree(place / "gopherforge")
        programs = install(template, place / "venv")
        medians = measure(commands(programs, template), place, rounds)
    RESULTS.write_text(report(medians, rounds), encoding="utf-8")
    print(RESULTS.read_text(encoding="utf-8"))
    return int(any(ratio(budget, medians) > budget.bound for budget in BUDGETS))


def commit_work_tree(clone: Path) -> Path:
    """A repository whose only commit is the work tree: what a release would be made of."""
    listed = subprocess.check_output(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True)
    for path in filter(None, listed.split("\0")):
        if (ROOT / path).is_file():
            (clone / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, clone / path)
    for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "feat: the work tree"]):
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
    """The median seconds of each command. The first round, which fills caches, does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    for _ in range(rounds + 1):
        for name, command in timed.items():
            with tempfile.TemporaryDirectory(dir=place) as empty:
                start = time.perf_counter()
                subprocess.run(command, cwd=empty, check=True, capture_output=True)
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(times[1:]) for name, times in seconds.items()}


def ratio(budget: Budget, medians: Mapping[str, float]) -> float:
    """How many times as long the command took as what it is compared with."""
    return medians[budget.command] / medians[budget.compared_with]


def report(medians: Mapping[str, float], rounds: int) -> str:
    """The results as Markdown."""
    rows = [
        f"| `{budget.command}` | {medians[budget.command] * 1000:.0f} ms | `{budget.compared_with}` "
        f"| {medians[budget.compared_with] * 1000:.0f} ms | {ratio(budget, medians):.2f} | {budget.bound} |"
        for budget in BUDGETS
    ]
    return "\n".join(
        [
            "# Start-up and `new`",
            "",
            f"{dt.datetime.now(tz=dt.UTC):%Y-%m-%d}, {machine()}, Python {platform.python_version()}.",
            f"Medians of {rounds} interleaved runs of whole processes (`make bench`).",
            "",
            "| command | takes | compared with | takes | ratio | at most |",
            "|---|---:|---|---:|---:|---:|",
            *rows,
            "",
        ]
    )


def machine() -> str:
    """The processor and how many of it."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{os.cpu_count()} processors, {models[0] if models else platform.processor() or platform.machine()}"


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
