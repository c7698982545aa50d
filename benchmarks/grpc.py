"""Measures what everything that a call passes costs a service of go-grpc-service, and writes benchmarks/results/grpc.md.

    python -m benchmarks.grpc [ROUNDS]

It needs Go, and about two minutes once Go's build cache is warm. Client and server are one process, connected in memory: what is
compared are medians of rounds in which each server had its turn, so ratios carry over, absolute figures do not.
"""

import re
import statistics
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.measuring import Bound, interleaved, table, write
from benchmarks.servers import make_service
from tests.gotools import go

PACKAGE = "./internal/platform/grpcserver"
SECONDS = 1
LINE = re.compile(r"^Benchmark\S+\s+\d+\s+(?P<time>[\d.]+) ns/op\s+\d+ B/op\s+(?P<allocations>\d+) allocs/op$", re.MULTILINE)

THROUGHPUT = Bound(0.90, "≥ 0.90", at_least=True)
ALLOCATIONS = Bound(12, "≤ 12")


class Call(NamedTuple):
    """A kind of call: its benchmark, how the page names it, and its bounds."""

    benchmark: str
    name: str
    throughput: Bound
    allocations: Bound | None = None


CALLS = [
    Call("many_unary", "unary calls, 32 at a time on each processor", THROUGHPUT, ALLOCATIONS),
    Call("unary", "unary calls, one at a time", THROUGHPUT, ALLOCATIONS),
    Call("unary_without_deadline", "the same, whose client sets no deadline", THROUGHPUT, ALLOCATIONS),
    Call("stream", "streams of 1,000 messages, one at a time", THROUGHPUT),
]
"""One call at a time measures how fast a processor that sleeps wakes up, too; a busy server has many."""


class Cost(NamedTuple):
    """What one call costs."""

    nanoseconds: float
    allocations: float


def main(rounds: int = 7) -> int:
    """Measure, write the results, and return 1 where a bound is not kept."""
    with tempfile.TemporaryDirectory() as directory:
        project = make_service(Path(directory) / "service", template="go-grpc-service")
        measured = interleaved(
            {
                name: partial(cost, project, name)
                for call in CALLS
                for name in (f"bare/{call.benchmark}", f"chain/{call.benchmark}")
            },
            rounds,
        )
        version = go(project, "version").output.split()[2]
    costs = {name: Cost(*map(statistics.median, zip(*several, strict=True))) for name, several in measured.items()}
    rows, kept = [], True
    for call in CALLS:
        bare, chain = costs[f"bare/{call.benchmark}"], costs[f"chain/{call.benchmark}"]
        ratio, more = bare.nanoseconds / chain.nanoseconds, chain.allocations - bare.allocations
        kept = kept and call.throughput.kept_by(ratio) and (call.allocations is None or call.allocations.kept_by(more))
        rows.append(
            [
                call.name,
                f"{bare.nanoseconds / 1000:,.1f}",
                f"{chain.nanoseconds / 1000:,.1f}",
                f"{ratio:.2f}",
                call.throughput.verdict(ratio),
                f"{more:+.0f}",
                call.allocations.verdict(more) if call.allocations else "",
            ]
        )
    write(
        "grpc",
        "A call of go-grpc-service",
        f"Medians of {rounds} interleaved rounds (`make bench`) of {SECONDS} s: `BenchmarkChain` of the service, a server with "
        "everything that its calls pass beside a bare one of grpc, over a connection in memory, with the client's side of it.",
        table(
            ["", "bare, µs", "full chain, µs", "throughput", "bound", "allocations", "bound"],
            rows,
        ),
        versions=f"Go {version.removeprefix('go')}",
    )
    return int(not kept)


def cost(project: Path, name: str) -> Cost:
    """What the service's own benchmark says of a server and a call."""
    pattern = f"^BenchmarkChain$/^{name.replace('/', '$/^')}$"
    outcome = go(project, "test", PACKAGE, "-run=^$", f"-bench={pattern}", f"-benchtime={SECONDS}s")
    line = LINE.search(outcome.output)
    if line is None:
        raise RuntimeError(f"No figures of {pattern} in: {outcome.output}")
    return Cost(float(line["time"]), float(line["allocations"]))


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
