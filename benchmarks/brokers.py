"""Measures what a worker of go-worker-pool costs beside the client of its broker, and writes benchmarks/results/brokers.md.

    python -m benchmarks.brokers [ROUNDS]

It needs Go and the servers of the brokers, and about half an hour. Server and worker share a machine. Compared are medians of
rounds in which each had its turn: ratios carry over, absolute figures do not.
"""

import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from itertools import count
from pathlib import Path
from typing import NamedTuple

from benchmarks.measuring import Bound, interleaved, table, write
from benchmarks.servers import OVERLAYS, build, make_service
from tests.generated.brokers import Server, kafka, nats, rabbitmq, redis
from tests.gotools import environment, go

WORKERS, QUEUE = 8, 64
PATIENCE = 300.0
BOUND = Bound(0.80, "≥ 0.80", at_least=True)


LONG = 60_000


class Broker(NamedTuple):
    """A broker, and what it is measured with."""

    title: str
    variable: str
    """Says where the broker is."""

    running_server: Callable[[], AbstractContextManager[Server]]
    jobs: int
    """How many one measurement has."""

    acknowledgement: str
    """How a message ends."""

    turns: tuple[int, ...] = (0,)
    """How far a job counts; each is measured by itself."""


class Cost(NamedTuple):
    """How many jobs were done in a second, and the processor time of one, in µs."""

    rate: float
    processor: float


BROKERS = {
    "nats": Broker("NATS JetStream", "NATS_URL", nats.running_server, 30_000, "an acknowledgement that the server has confirmed"),
    "kafka": Broker(
        "Kafka",
        "KAFKA_BROKERS",
        kafka.running_server,
        300_000,
        "a commit five times a second, of what is done in each partition without a gap",
        (0, LONG),
    ),
    "rabbitmq": Broker("RabbitMQ", "RABBITMQ_URL", rabbitmq.running_server, 20_000, "`basic.ack` of each message"),
    "redis": Broker("Redis Streams", "REDIS_URL", redis.running_server, 30_000, "`XACK` and `XDEL` in one transaction"),
}


def main(rounds: int = 7) -> int:
    """Measure, write the results, and return 1 where the bound is not kept."""
    rows = []
    kept = True
    with tempfile.TemporaryDirectory() as directory:
        for source, broker in BROKERS.items():
            project = make_worker(Path(directory) / source, source)
            for turns in broker.turns:
                costs = measured(project, broker, rounds, turns)
                bare, worker = costs["bare"], costs["worker"]
                ratio = worker.rate / bare.rate
                kept &= BOUND.kept_by(ratio)
                job = f"; each job counts to {turns:,}" if turns else ""
                rows += [
                    [f"{broker.title}: {broker.acknowledgement}{job}", f"{bare.rate:,.0f}", "1", f"{bare.processor:.1f}", ""],
                    ["the worker", f"{worker.rate:,.0f}", f"{ratio:.2f}", f"{worker.processor:.1f}", BOUND.verdict(ratio)],
                ]
        version = go(project, "version").output.split()[2]
    write(
        "brokers",
        "A worker of go-worker-pool and its broker",
        f"Medians of {rounds} interleaved rounds (`make bench`), broker and worker on one machine. "
        f"The handler is empty unless said otherwise; {WORKERS} jobs at a time, {QUEUE} more wait in the process. "
        "The jobs are there before the measurement, which is from the first to the last. Beside each worker, the client library "
        "of its broker alone: as many goroutines, as many messages fetched ahead, and the same end of a message once its job is "
        "done. The processor time is that of the whole consumer.",
        table(["consumer", "jobs/s", "ratio", "CPU µs/job", "bound"], rows),
        versions=f"Go {version.removeprefix('go')}",
    )
    return int(not kept)


def make_worker(directory: Path, source: str) -> Path:
    """A worker with an empty handler, and beside it what it is compared with."""
    project = make_service(directory, overlay="worker", template="go-worker-pool", source=source)
    shutil.copytree(OVERLAYS / source, project, dirs_exist_ok=True)
    return project


def measured(project: Path, broker: Broker, rounds: int, turns: int) -> Mapping[str, Cost]:
    """The medians of the bare consumer and of the worker."""
    programs = {name: build(project, f"./cmd/{name}") for name in ("fill", "bare", "worker")}
    numbers = count()
    with broker.running_server() as server:

        def once(name: str) -> Cost:
            queue = f"{name}-{next(numbers)}"
            settings = {"JOBS": queue, "COUNT": str(broker.jobs), "TURNS": str(turns), broker.variable: server.url}
            subprocess.run([programs["fill"]], env={**environment(), **settings, "URL": server.url}, check=True)
            begun = processor_seconds()
            rate = jobs_per_second(programs[name], settings)
            return Cost(rate, (processor_seconds() - begun) / broker.jobs * 1e6)

        costs = interleaved({name: partial(once, name) for name in ("bare", "worker")}, rounds)
    return {name: Cost(*map(statistics.median, zip(*figures, strict=True))) for name, figures in costs.items()}


def processor_seconds() -> float:
    """What processors have worked for the programs that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def jobs_per_second(program: Path, settings: Mapping[str, str]) -> float:
    """What a consumer prints when it has done the last job, which ends it."""
    own = {"ADMIN_ADDR": "127.0.0.1:0", "WORKERS": str(WORKERS), "QUEUE": str(QUEUE)}
    done = subprocess.run(
        [program], env={**environment(), **own, **settings}, check=True, capture_output=True, text=True, timeout=PATIENCE
    )
    return float(done.stdout)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
