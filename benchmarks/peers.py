"""Puts the same load on services made by gopherforge, go-blueprint and goctl, and writes benchmarks/results/peers.md.

    python -m benchmarks.peers [ROUNDS]

It needs Go, wrk, hey, PostgreSQL's server programs, go-blueprint and goctl, and the network for what those two fetch.
What one of them cannot make here is left out, and the results say why.
"""

import re
import statistics
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.clients import BUSY_CLIENTS, Stop, cut_off, stop_under_load
from benchmarks.generators import ADDED, PATH, Made, make_all, peers, versions
from benchmarks.load import CONNECTIONS, capacity, latency
from benchmarks.measuring import interleaved, need, table, write
from tests.generated.postgres import running_server

LOAD_SECONDS = 2
STARTS_A_ROUND = 2
CUT_OFF_SECONDS = 75
MEBIBYTE = 1 << 20

HALF_A_HEADER = f"GET {PATH} HTTP/1.1\r\nHost:".encode()
A_REQUEST = f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


REASONS = """Where gopherforge is behind, it does more:

- a request gets an id, metrics of its route, a line in the log, a deadline, a limit of its body, and headers for browsers;
  of these, go-blueprint's chi has the line in the log, and its standard-library none; go-zero, which goctl's service stands on,
  has most of them, and refuses requests while the processor is busy
- the binary has the client of Prometheus and, by default, OpenTelemetry with gRPC to export spans; with PostgreSQL the migrations
- with PostgreSQL, the start waits until the database has answered; go-blueprint connects when it is first asked for data"""


class Figures(NamedTuple):
    """What was measured of a service."""

    rate: float
    refused: float
    processor: float
    p50: float
    p99: float
    mebibytes: float
    resident: float
    start: float
    silent: float | None
    idle: float | None
    stops: list[Stop]


def main(rounds: int = 5) -> int:
    """Measure, and write the results."""
    need("go", "wrk", "hey")
    with tempfile.TemporaryDirectory() as directory, running_server() as postgres:
        made, missing = make_all(peers(postgres.create_database()), Path(directory))
        figures = measure(made, rounds)
        write(
            "peers",
            "Services of three generators",
            f"Medians of {rounds} interleaved rounds (`make bench-peers`), servers and load on one machine, logs to /dev/null.",
            f'Each service is as its generator makes it, but answers `GET {PATH}` with `{{"message":"Hello me"}}`. Added were:',
            "\n".join(f"- {name}: {what}" for name, what in ADDED.items()),
            under_load(figures),
            REASONS,
            facts(made, figures),
            *(f"Left out: {name}. {reason}" for name, reason in missing.items()),
            versions=versions(made),
        )
    return 0


def measure(made: Mapping[str, Made], rounds: int) -> dict[str, Figures]:
    """Everything in the table."""

    def start(one: Made) -> tuple[float, float]:
        with one.start() as server:
            return server.start_seconds * 1000, server.resident_bytes() / MEBIBYTE

    started = interleaved({name: partial(start, one) for name, one in made.items()}, rounds * STARTS_A_ROUND)
    with ExitStack() as stack:
        servers = {name: stack.enter_context(one.start()) for name, one in made.items()}
        capacities = interleaved(
            {name: partial(capacity, server, PATH, LOAD_SECONDS) for name, server in servers.items()}, rounds
        )
        rate = min(statistics.median(one.rate for one in several) for several in capacities.values()) / 2
        latencies = interleaved(
            {name: partial(latency, server, PATH, rate, LOAD_SECONDS) for name, server in servers.items()}, rounds
        )
        silent = {f"silent {name}": (server.address, HALF_A_HEADER) for name, server in servers.items()}
        idle = {f"idle {name}": (server.address, A_REQUEST) for name, server in servers.items()}
        kept = cut_off(silent | idle, CUT_OFF_SECONDS)
    with ThreadPoolExecutor() as threads:
        stops = dict(zip(made, threads.map(partial(stop, times=rounds), made.values()), strict=True))
    return {
        name: Figures(
            rate=statistics.median(one.rate for one in capacities[name]),
            refused=max([one.refused for one in capacities[name]] + [one.refused for one in latencies[name]]),
            processor=statistics.median(one.processor for one in capacities[name]) * 1e6,
            p50=statistics.median(one.p50 for one in latencies[name]) * 1000,
            p99=statistics.median(one.p99 for one in latencies[name]) * 1000,
            mebibytes=one.program.stat().st_size / MEBIBYTE,
            resident=statistics.median(resident for _, resident in started[name]),
            start=statistics.median(milliseconds for milliseconds, _ in started[name]),
            silent=kept[f"silent {name}"],
            idle=kept[f"idle {name}"],
            stops=stops[name],
        )
        for name, one in made.items()
    }


def stop(one: Made, times: int) -> list[Stop]:
    """SIGTERM under load, several times."""
    stops = []
    for _ in range(times):
        with one.start() as server:
            stops.append(stop_under_load(server, PATH))
    return stops


def under_load(figures: Mapping[str, Figures]) -> str:
    """What each service costs, and how much it answers."""
    most = max(one.rate for one in figures.values())
    header = [
        "service",
        "requests/s",
        "of the most",
        "processor, µs",
        "p50, ms",
        "p99, ms",
        "binary, MiB",
        "memory, MiB",
        "start, ms",
    ]
    rows = [
        [name, f"{one.rate:,.0f}", f"{one.rate / most:.2f}", f"{one.processor:.0f}"]
        + [f"{figure:.1f}" for figure in (one.p50, one.p99, one.mebibytes, one.resident, one.start)]
        for name, one in figures.items()
    ]
    refusals = [f"; {name} refused up to {one.refused:.1%}" for name, one in figures.items() if one.refused]
    return f"""## Under load

{table(header, rows)}

- requests/s: wrk, one thread, {CONNECTIONS} connections, {LOAD_SECONDS} s; answers other than 200 do not count{"".join(refusals)}
- processor: time that the service takes of it for one request
- p50, p99: hey, {CONNECTIONS} connections, {fixed_rate(figures):,.0f} requests/s, which is half of what the slowest can
- binary: stripped, without cgo
- memory: resident after the first answer
- start: from the start of the process to that answer"""


def facts(made: Mapping[str, Made], figures: Mapping[str, Figures]) -> str:
    """What each service did to clients that are slow, idle, or busy when it has to stop, and the tests that came with it."""
    header = ["service", "half a header", "idle", "requests lost", "connections taken", "exit status", "tests", "race detector"]
    rows = [
        [name, after(one.silent), after(one.idle), *stopped(one.stops), str(tests(made[name].project)), races(made[name].project)]
        for name, one in figures.items()
    ]
    times = len(next(iter(figures.values())).stops)
    return f"""## What was seen to happen

{table(header, rows)}

- half a header: when a client that says no more is cut off
- idle: when a connection is closed on which there are no more requests
- requests lost: sent and not answered with 200, in {times} stops by SIGTERM with {BUSY_CLIENTS} clients that ask without a pause;
  where a connection was closed between two requests, a client asks on a new one, as RFC 9112 says
- connections taken: for how long after SIGTERM, which is the time that a load balancer has to look elsewhere
- tests: `Test` and `Fuzz` functions that came with the service
- race detector: whether its Makefile or CI runs them with it"""


def fixed_rate(figures: Mapping[str, Figures]) -> float:
    """Half of what the slowest can."""
    return min(one.rate for one in figures.values()) / 2


def after(seconds: float | None) -> str:
    """When a connection was closed."""
    return f"no, in {CUT_OFF_SECONDS} s" if seconds is None else f"after {seconds:.1f} s"


def stopped(stops: list[Stop]) -> tuple[str, str, str]:
    """What became of the requests, for how long new ones were taken, and with which exit statuses."""
    lost, answered = sum(one.lost for one in stops), sum(one.answered for one in stops)
    statuses = sorted({str(one.exit_status) for one in stops})
    return (
        f"{lost} of {lost + answered:,}",
        f"{statistics.median(one.serving_seconds for one in stops):.1f} s",
        ", ".join(statuses),
    )


def tests(project: Path) -> int:
    """How many tests came with a service."""
    sources = (path.read_text(encoding="utf-8") for path in project.rglob("*_test.go"))
    return sum(len(re.findall(r"^func (?:Test|Fuzz)\w*\(", source, re.MULTILINE)) for source in sources)


def races(project: Path) -> str:
    """Whether what came with a service runs its tests under the race detector."""
    files = [project / "Makefile", *project.glob(".github/workflows/*")]
    return "yes" if any("-race" in path.read_text(encoding="utf-8") for path in files if path.exists()) else "no"


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
