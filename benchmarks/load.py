"""Load on a server by wrk and hey, and what they measured."""

import csv
import re
import statistics
import subprocess
from typing import NamedTuple

from benchmarks.servers import Server

CONNECTIONS = 32


class Capacity(NamedTuple):
    """What a server does under as much load as the connections can make.

    The rate is of answers with 200, `refused` the share of others. Seconds of processor time are for one request, in the server.
    """

    rate: float
    refused: float
    processor: float


class Latency(NamedTuple):
    """Answers to requests at a fixed rate: how many a second, the share not of 200, and the seconds that the others took."""

    rate: float
    refused: float
    p50: float
    p99: float


def capacity(server: Server, path: str, seconds: int) -> Capacity:
    """As many requests as the server takes: wrk, one thread."""
    command = ["wrk", "--threads=1", f"--connections={CONNECTIONS}", f"--duration={seconds}s", server.url(path)]
    before = server.processor_seconds()
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    total, rate = re.search(r"(\d+) requests in", output), re.search(r"Requests/sec:\s*([\d.]+)", output)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    if "Socket errors" in output or total is None or rate is None:
        raise RuntimeError(f"not every request was answered:\n{output}")
    share = int(refused[1]) / int(total[1]) if refused else 0.0
    return Capacity(float(rate[1]) * (1 - share), share, (server.processor_seconds() - before) / int(total[1]))


def latency(server: Server, path: str, rate: float, seconds: int) -> Latency:
    """Requests at a fixed rate, shared by the connections: hey. A connection that waits for an answer sends nothing meanwhile."""
    command = ["hey", "-z", f"{seconds}s", "-c", str(CONNECTIONS), "-q", str(rate / CONNECTIONS), "-o", "csv", server.url(path)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    answers = list(csv.DictReader(output.splitlines()))
    times = [float(answer["response-time"]) for answer in answers if answer["status-code"] == "200"]
    percentiles = statistics.quantiles(times, n=100, method="inclusive")
    return Latency(len(answers) / seconds, 1 - len(times) / len(answers), statistics.median(times), percentiles[98])
