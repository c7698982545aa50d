"""What every benchmark shares: interleaved rounds, bounds, and results as Markdown."""

import datetime as dt
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks/results"

LOAD_BEFORE = os.getloadavg()[0]
QUIET = 0.5

Measured = TypeVar("Measured")


class Bound(NamedTuple):
    """A limit that a figure keeps, from above or below, written as it is printed."""

    limit: float
    text: str
    at_least: bool = False

    def kept_by(self, figure: float) -> bool:
        """Whether the figure is within the limit."""
        return figure >= self.limit if self.at_least else figure <= self.limit

    def verdict(self, figure: float) -> str:
        """The limit and what became of it."""
        return f"{self.text}: {'met' if self.kept_by(figure) else '**missed**'}"


def need(*programs: str) -> None:
    """End with one sentence if a program is missing."""
    if missing := [name for name in programs if shutil.which(name) is None]:
        sys.exit(f"error: {' and '.join(missing)} must be on PATH for this benchmark.")


def interleaved(jobs: Mapping[str, Callable[[], Measured]], rounds: int) -> dict[str, list[Measured]]:
    """What each job measured in each round: a noisy moment touches all alike. The first, which fills caches, does not count."""
    measured: dict[str, list[Measured]] = {name: [] for name in jobs}
    for counts in [False, *[True] * rounds]:
        for name, job in jobs.items():
            figure = job()
            if counts:
                measured[name].append(figure)
    return measured


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; its first column is text, and every other is aligned as figures are."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [header, rule, *rows])


def write(name: str, title: str, *parts: str, versions: str = "") -> None:
    """Write a page of results, with the day and the machine, and print it."""
    programs = ", ".join(filter(None, [f"Python {platform.python_version()}", versions]))
    day = f"{dt.datetime.now(tz=dt.UTC):%Y-%m-%d}, {machine()}, {programs}."
    page = RESULTS / f"{name}.md"
    page.write_text("\n\n".join([f"# {title}", day, *parts]) + "\n", encoding="utf-8")
    print(page.read_text(encoding="utf-8"))


def machine() -> str:
    """The processor, how many of it, the kernel, and what they had to do before this program gave them more."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    model = models[0] if models else platform.processor() or platform.machine()
    quiet = "" if LOAD_BEFORE < QUIET else " (**a busy machine: measure again**)"
    return (
        f"{os.cpu_count()} processors, {model}, {platform.system()} {platform.release()}, load average {LOAD_BEFORE:.1f}{quiet}"
    )
