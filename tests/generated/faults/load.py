"""A load of requests by wrk, which repeats none and reports every answer and every failure."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tests.generated.service import PATIENCE
from tests.support import program

HERE = Path(__file__).parent

LONGEST_SECONDS = 300
"""How long a load lasts that nobody ends."""


@dataclass(frozen=True)
class Report:
    """What a load met: how often each answer came (its status, media type and Retry-After), and each failure to get one."""

    answers: dict[str, int]
    failures: dict[str, int]
    slowest: float

    @property
    def requests(self) -> int:
        return sum(self.answers.values()) + sum(self.failures.values())

    @property
    def failed(self) -> dict[str, int]:
        """What did not succeed, by its kind."""
        refused = {kind: count for kind, count in self.answers.items() if not kind.startswith("2")}
        return refused | {kind: count for kind, count in self.failures.items() if count}


class Load:
    """Connections that ask, one request after the other, until the load is ended."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def end(self) -> Report:
        """Ends the load and tells what it met."""
        self._process.send_signal(signal.SIGINT)
        output, _ = self._process.communicate(timeout=PATIENCE)
        assert self._process.returncode == 0, output
        return Report(**json.loads(output.splitlines()[-1]))


@contextmanager
def loading(address: str, requests: Path, *, connections: int = 8, pause: int = 20) -> Iterator[Load]:
    """Loads an address with the requests of a file; each connection pauses that many milliseconds between two."""
    command = [program("wrk"), "--threads", "1", "--connections", str(connections), "--duration", f"{LONGEST_SECONDS}s"]
    command += ["--timeout", f"{PATIENCE:.0f}s", "--script", str(HERE / "load.lua"), f"http://{address}"]
    command += ["--", str(requests), str(pause), uuid4().hex]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, encoding="utf-8")
    with process:
        try:
            yield Load(process)
        finally:
            process.kill()
