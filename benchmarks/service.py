"""Measures what a service of go-http-service costs, and writes benchmarks/results/service.md.

    python -m benchmarks.service [ROUNDS]

It needs Go, wrk, hey and PostgreSQL's server programs, and about five minutes once Go's build cache is warm. Servers and load
share a machine. Compared are medians of rounds in which each server had its turn: ratios carry over, absolute figures do not.
"""

import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from benchmarks.load import CONNECTIONS, Capacity, Latency, capacity, latency
from benchmarks.measuring import Bound, interleaved, need, table, write
from benchmarks.servers import Server, build, create_user, free_address, make_service, running, running_service
from tests.generated.postgres import running_server
from tests.gotools import go

LOAD_SECONDS = 3
POOL = 10
STARTS_A_ROUND = 3
MEBIBYTE = 1 << 20

Answers = TypeVar("Answers", Capacity, Latency)

VARIANTS: dict[str, dict[str, object]] = {
    "defaults": {},
    "no tracing": {"tracing": False},
    "PostgreSQL, no tracing": {"database": "postgres", "tracing": False},
    "everything": {"database": "postgres"},
}
OVERLAYS = {"defaults": "memory", "everything": "postgres"}

CHAIN = Bound(0.80, "≥ 0.80", at_least=True)
ALLOCATIONS = Bound(20, "≤ 20")
DATABASE_READ = Bound(0.30, "≥ 0.30", at_least=True)
SIZES = {
    "no tracing": Bound(12, "≤ 12 MiB"),
    "defaults": Bound(20, "≤ 20 MiB"),
    "PostgreSQL, no tracing": Bound(20, "≤ 20 MiB"),
    "everything": Bound(25, "≤ 25 MiB"),
}
STARTS = {"defaults": Bound(25, "≤ 25 ms"), "everything": Bound(150, "≤ 150 ms")}


class Section(NamedTuple):
    """A part of the results, and whether every bound in it was kept."""

    text: str
    kept: bool


class Made:
    """Every variant as a project, and the programs built of them."""

    def __init__(self, directory: Path) -> None:
        self.projects = {
            name: make_service(directory / name.replace(" ", "-"), overlay=OVERLAYS.get(name), **answers)
            for name, answers in VARIANTS.items()
        }
        self.programs = {name: build(project, "./cmd/server") for name, project in self.projects.items()}

    def helper(self, variant: str, name: str) -> Path:
        """A program that the variant's overlay adds."""
        return build(self.projects[variant], f"./cmd/{name}")


def main(rounds: int = 7) -> int:
    """Measure, write the results, and return 1 where a bound is not kept."""
    need("go", "wrk", "hey")
    with tempfile.TemporaryDirectory() as directory, running_server() as postgres:
        made = Made(Path(directory))
        database = postgres.create_database()
        subprocess.run([made.programs["everything"], "migrate"], env={"DATABASE_URL": database}, check=True, capture_output=True)
        sections = [
            chain(made, rounds),
            allocations(made, rounds),
            database_reads(made, database, rounds),
            sizes(made),
            starts(made, database, rounds * STARTS_A_ROUND),
        ]
        version = go(made.projects["defaults"], "version").output.split()[2]
    write(
        "service",
        "A service of go-http-service",
        f"Medians of {rounds} interleaved rounds (`make bench`), servers and load on one machine. Load, where no other is named: "
        f"`GET /v1/users/{{id}}` by wrk, one thread, {CONNECTIONS} connections, {LOAD_SECONDS} s. Logs are written to /dev/null.",
        *(section.text for section in sections),
        versions=f"Go {version.removeprefix('go')}",
    )
    return int(not all(section.kept for section in sections))


def chain(made: Made, rounds: int) -> Section:
    """Requests per second behind everything that a request passes, beside the same handler alone."""
    with ExitStack() as stack:
        bare, collector = free_address(), free_address()
        program = made.programs["defaults"]
        servers: dict[str, Server] = {
            "the handler alone, by net/http": stack.enter_context(
                running([made.helper("defaults", "bare")], bare, bare, env={"HTTP_ADDR": bare})
            ),
            "the service": stack.enter_context(running_service(program)),
        }
        stack.enter_context(running([made.helper("defaults", "collector")], collector, collector, env={"OTLP_ADDR": collector}))
        servers["the service, every request traced"] = stack.enter_context(
            running_service(program, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{collector}", OTEL_TRACES_SAMPLER="always_on")
        )
        paths = {name: create_user(server) for name, server in servers.items()}
        measured = interleaved({name: partial(under_load, server, paths[name]) for name, server in servers.items()}, rounds)
        figures = {name: Capacity(*map(statistics.median, zip(*several, strict=True))) for name, several in measured.items()}
        rates = {name: one.rate for name, one in figures.items()}
        times = response_times(servers["the service"], paths["the service"], rates["the service"] / 2, rounds)
    alone, service, _ = rates
    return Section(
        "## Requests per second\n\n"
        + table(
            ["users in memory", "processor, µs a request", "requests/s", "ratio", "bound"],
            [
                [name, f"{one.processor * 1e6:.0f}", *compared(one.rate, rates[alone], CHAIN if name == service else None)]
                for name, one in figures.items()
            ],
        )
        + "\n\nThe handler alone is that of the service, at a `http.ServeMux`, served by `http.ListenAndServe`. "
        f"Spans go to a collector on the same machine, which forgets them; its work is in the ratio.\n\n{times}",
        CHAIN.kept_by(rates[service] / rates[alone]),
    )


def allocations(made: Made, rounds: int) -> Section:
    """Allocations of a request, as the service's own benchmark counts them."""
    outcome = go(
        made.projects["defaults"],
        *("test", "-run=^$", "-bench=^BenchmarkChain$", "-benchmem", "-benchtime=0.2s", f"-count={rounds}"),
        "./internal/platform/httpserver",
    )
    counted = {
        name: statistics.median(
            int(count) for count in re.findall(rf"^BenchmarkChain/{name}\S*\s.* (\d+) allocs/op$", outcome.output, re.MULTILINE)
        )
        for name in ("bare", "chain")
    }
    more = counted["chain"] - counted["bare"]
    return Section(
        "## Allocations\n\n"
        + table(
            ["`BenchmarkChain` of the service", "allocations", "more", "bound"],
            [
                ["bare", f"{counted['bare']:.0f}", "", ""],
                ["chain", f"{counted['chain']:.0f}", f"{more:.0f}", ALLOCATIONS.verdict(more)],
            ],
        ),
        ALLOCATIONS.kept_by(more),
    )


def database_reads(made: Made, database: str, rounds: int) -> Section:
    """Reads per second over HTTP, beside the same query by pgxpool alone."""
    raw = made.helper("everything", "pgxpool")
    with running_service(made.programs["everything"], DATABASE_URL=database, DATABASE_MAX_CONNS=str(POOL)) as service:
        path = create_user(service)
        command: list[str | Path] = [
            raw,
            "-id",
            path.rpartition("/")[2],
            "-callers",
            str(CONNECTIONS),
            "-duration",
            f"{LOAD_SECONDS}s",
        ]
        environment = {"DATABASE_URL": f"{database}&pool_max_conns={POOL}"}

        def query() -> float:
            return float(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)

        def over_http() -> float:
            return under_load(service, path).rate

        rates = interleaved({"pgxpool alone": query, "the service, over HTTP": over_http}, rounds)
        alone, served = (statistics.median(several) for several in rates.values())
        times = response_times(service, path, served / 2, rounds)
    return Section(
        "## Reads of PostgreSQL\n\n"
        + table(
            ["one user by its id", "reads/s", "ratio", "bound"],
            [
                ["pgxpool alone", f"{alone:,.0f}", "1", ""],
                ["the service, over HTTP", *compared(served, alone, DATABASE_READ)],
            ],
        )
        + f"\n\nBoth have {POOL} connections to the same server, the same query and {CONNECTIONS} callers.\n\n{times}",
        DATABASE_READ.kept_by(served / alone),
    )


def sizes(made: Made) -> Section:
    """Sizes of the binaries, stripped as the Dockerfile does."""
    figures = {name: made.programs[name].stat().st_size / MEBIBYTE for name in SIZES}
    return Section(
        "## Sizes\n\n"
        + table(
            ["binary, stripped", "MiB", "bound"],
            [[name, f"{figures[name]:.1f}", bound.verdict(figures[name])] for name, bound in SIZES.items()],
        )
        + "\n\nThe last stage of the Dockerfile copies the binary, and nothing else, to `distroless/static`: "
        "an image is larger by that base, which was not at hand to be measured.",
        all(bound.kept_by(figures[name]) for name, bound in SIZES.items()),
    )


def starts(made: Made, database: str, rounds: int) -> Section:
    """The time from the start of the process to the first 200 of /readyz, and the memory it has then."""

    def start(name: str, **configuration: str) -> tuple[float, float]:
        with running_service(made.programs[name], **configuration) as service:
            return service.start_seconds * 1000, service.resident_bytes() / MEBIBYTE

    collector = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{free_address()}"}
    measured = interleaved(
        {"defaults": partial(start, "defaults"), "everything": partial(start, "everything", DATABASE_URL=database, **collector)},
        rounds,
    )
    medians = {name: tuple(map(statistics.median, zip(*figures, strict=True))) for name, figures in measured.items()}
    return Section(
        "## Start\n\n"
        + table(
            ["service", "start to ready, ms", "bound", "memory when ready, MiB"],
            [
                [name, f"{medians[name][0]:.1f}", bound.verdict(medians[name][0]), f"{medians[name][1]:.1f}"]
                for name, bound in STARTS.items()
            ],
        )
        + f"\n\nFrom the start of the process to the first 200 of `/readyz`, medians of {rounds}. "
        "Everything is PostgreSQL, which runs and is migrated, and tracing with an endpoint. "
        "What the database needs to accept a connection and to answer is included.",
        all(bound.kept_by(medians[name][0]) for name, bound in STARTS.items()),
    )


def under_load(server: Server, path: str) -> Capacity:
    """What a server does that may not refuse a request."""
    return all_answered(capacity(server, path, LOAD_SECONDS))


def all_answered(measured: Answers) -> Answers:
    """What was measured, if no request was refused."""
    if measured.refused:
        raise RuntimeError(f"{measured.refused:.1%} of the requests were not answered with 200.")
    return measured


def response_times(server: Server, path: str, rate: float, rounds: int) -> str:
    """A sentence on the response times at a fixed rate."""
    measured = interleaved({"": lambda: all_answered(latency(server, path, rate, LOAD_SECONDS))}, rounds)[""]
    sent, _, p50, p99 = (statistics.median(figures) for figures in zip(*measured, strict=True))
    return (
        f"At half of its maximum (hey, {CONNECTIONS} connections, {rate:,.0f} requests/s asked for, {sent:,.0f} sent) "
        f"the service answers half of the requests within {p50 * 1000:.1f} ms and 99 % within {p99 * 1000:.1f} ms."
    )


def compared(figure: float, base: float, bound: Bound | None) -> Sequence[str]:
    """The cells of a figure that is compared with another."""
    return f"{figure:,.0f}", f"{figure / base:.2f}", bound.verdict(figure / base) if bound else ""


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
