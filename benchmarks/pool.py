"""Measures what a job costs in the pool of go-worker-pool and in others, and writes benchmarks/results/pool.md.

    python -m benchmarks.pool [ROUNDS]

It needs Go, and about two minutes. The other pools are fetched, at the versions that benchmarks/pool/go.mod names.
Compared are medians of rounds in which each had its turn: ratios carry over, absolute figures do not.
"""

import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.measuring import ROOT, Bound, interleaved, table, write
from benchmarks.servers import build
from tests.gotools import go

PROGRAM = ROOT / "benchmarks/pool"
POOL = ROOT / "templates/go-worker-pool/internal/pool"

JOBS = 500_000
LONG = 12_000
LONG_JOBS = 20_000
SUBMITTERS = 8

WAYS = {
    "channel": "a channel and eight goroutines",
    "pool": "**the pool**",
    "pool, JobTimeout": "**the pool**, each job with a deadline",
    "pond": "pond, `Go`",
    "conc": "conc, `Go`",
    "errgroup": "errgroup, `SetLimit`",
    "ants": "ants, `Submit`",
    "ants, function": "ants, `PoolWithFuncGeneric`",
}
CHANNEL = Bound(2, "≤ 2 channels")
POND = Bound(1, "≤ 1 pond")
FASTER = Bound(4, "≥ 4 pools", at_least=True)
ALLOCATIONS = Bound(0, "0")
PARALLEL = Bound(1.5, "≤ 1.5")


class Cost(NamedTuple):
    """What one job cost: nanoseconds on the clock and of the processors, and allocations."""

    wall: float
    processor: float
    allocations: float


def main(rounds: int = 7) -> int:
    """Measure, write the results, and return 1 where a bound is not kept."""
    with tempfile.TemporaryDirectory() as directory:
        program = build(make(Path(directory) / "pool"), ".")
        empty = measure(program, rounds, jobs=JOBS)
        parallel = measure(program, rounds, jobs=JOBS, submitters=SUBMITTERS)
        long = measure(program, rounds, jobs=LONG_JOBS, turns=LONG)
        version = go(Path(directory) / "pool", "version").output.split()[2]
    bounds = verdicts(empty, parallel)
    write(
        "pool",
        "The pool of go-worker-pool",
        f"Medians of {rounds} interleaved rounds (`make bench`): {JOBS:,} jobs, 8 workers, a queue of 1024 where there is one. "
        "Times on the clock are of all jobs together, divided by their number; the processor time is that of the whole program.",
        f"## Jobs that do nothing\n\n{costs(empty, 'one goroutine submits')}",
        costs(parallel, f"{SUBMITTERS} goroutines submit"),
        table(["bound", "measured", ""], [[text, f"{figure:.2f}", bound.verdict(figure)] for text, figure, bound in bounds]),
        "The channel has no context, no errors and no counts, and a panic in a job ends the program. "
        "errgroup, conc and ants have no queue: who submits waits for a worker.",
        f"## Jobs that take some µs\n\n{costs(long, 'one goroutine submits')}",
        f"{LONG_JOBS:,} jobs, each of which counts to {LONG:,}.",
        versions=f"Go {version.removeprefix('go')}, {', '.join(others())}",
    )
    return int(not all(bound.kept_by(figure) for _, figure, bound in bounds))


def make(directory: Path) -> Path:
    """The program that measures, with the pool as it is rendered: apart from its tests, nothing in it depends on answers."""
    shutil.copytree(PROGRAM, directory)
    package = directory / "internal/pool"
    package.mkdir(parents=True)
    for source in POOL.glob("*.go"):
        shutil.copy2(source, package)
    return directory


def others() -> list[str]:
    """The other pools, and the versions that are required."""
    requirement = re.compile(r"^\t(\S+?)(?:/v\d+)? v(\S+)$", re.MULTILINE)
    return [f"{name} {version}" for name, version in requirement.findall((PROGRAM / "go.mod").read_text(encoding="utf-8"))]


def measure(program: Path, rounds: int, **options: int) -> dict[str, Cost]:
    """What a job costs in each way to have it done."""
    measured = interleaved({way: partial(cost, program, way, **options) for way in WAYS}, rounds)
    return {way: Cost(*map(statistics.median, zip(*several, strict=True))) for way, several in measured.items()}


def cost(program: Path, way: str, **options: int) -> Cost:
    """What a job costs in one way, by one run of the program."""
    words = [f"-{name}={value}" for name, value in options.items()]
    return Cost(**json.loads(subprocess.check_output([program, f"-way={way}", *words])))


def costs(measured: dict[str, Cost], title: str) -> str:
    """A table of what a job costs, in ns and beside the pool."""
    pool = measured["pool"]
    return table(
        [title, "ns a job", "of the pool", "processor, ns", "of the pool", "allocations"],
        [
            [
                WAYS[way],
                f"{one.wall:,.0f}",
                f"{one.wall / pool.wall:.2f}",
                f"{one.processor:,.0f}",
                f"{one.processor / pool.processor:.2f}",
                f"{one.allocations:.0f}",
            ]
            for way, one in measured.items()
        ],
    )


def verdicts(empty: dict[str, Cost], parallel: dict[str, Cost]) -> list[tuple[str, float, Bound]]:
    """The bounds, and what was measured. They are for times on the clock."""
    pool = empty["pool"].wall
    return [
        ("the pool, beside the channel", pool / empty["channel"].wall, CHANNEL),
        ("the pool, beside pond", pool / empty["pond"].wall, POND),
        ("errgroup, beside the pool", empty["errgroup"].wall / pool, FASTER),
        ("ants, beside the pool", empty["ants"].wall / pool, FASTER),
        (f"the pool with {SUBMITTERS} submitters, beside one", parallel["pool"].wall / pool, PARALLEL),
        ("allocations of the pool for a job", round(empty["pool"].allocations, 2), ALLOCATIONS),
    ]


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
