"""What tests of several kinds share: running programs, and doing a piece of work once for all workers."""

import fcntl
import hashlib
import json
import os
import random
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path

import pytest

PROOF_IS_FULL = os.environ.get("PROOF") == "full"
"""PROOF=full proves every variant and counts a skipped test as failed; without it, what fits into minutes."""


@dataclass(frozen=True)
class Outcome:
    """How a program ended, with stdout and stderr in the order written."""

    command: str
    status: int
    output: str

    def __str__(self) -> str:
        return f"{self.command}: exit {self.status}\n{self.output}"


def program(name: str) -> str:
    """Where a program is. Where it is not, the test is skipped with a sentence."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed.")
    return found


def run(command: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str] | None = None) -> Outcome:
    """Runs a program to its end, at most 15 minutes."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=900,
        check=False,
    )
    return Outcome(" ".join([Path(words[0]).name, *words[1:]]), done.returncode, done.stdout)


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens on, for a server that cannot choose one by itself. No other call gives the same one.

    Nor does the system, to a client: that could get there before the server, which takes long to start, or meet itself where it
    looks for a server that is away.
    """
    return next(port for port in _ports if _is_free(host, port))


def _ports_of_this_worker() -> Iterator[int]:
    """Again and again, in a random order, what the system gives to nobody by itself, without what other workers have."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    ports = range(15_000 + worker, 32_768, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
    return cycle(random.sample(ports, len(ports)))


_ports = _ports_of_this_worker()


def _is_free(host: str, port: int) -> bool:
    try:
        socket.create_server((host, port)).close()
    except OSError:
        return False
    return True


class Shared:
    """A directory of one test session, common to its workers, where each piece of work is done by the first who needs it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def outcome(self, key: str, work: Callable[[], Outcome]) -> Outcome:
        """The outcome that `work` had when it was first called for this key."""
        with self._lock(key) as place:
            record = place.with_name(f"{place.name}.json")
            if not record.exists():
                record.write_text(json.dumps(asdict(work())), encoding="utf-8")
            return Outcome(**json.loads(record.read_text(encoding="utf-8")))

    def directory(self, key: str, fill: Callable[[Path], object]) -> Path:
        """The directory that `fill` made when it was first called for this key. Nobody changes it afterwards."""
        with self._lock(key) as place:
            if not place.exists():
                unfinished = place.with_name(f"{place.name}.unfinished")
                shutil.rmtree(unfinished, ignore_errors=True)
                fill(unfinished)
                unfinished.rename(place)
            return place

    @contextmanager
    def _lock(self, key: str) -> Iterator[Path]:
        place = self.path / key
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.with_name(f"{place.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield place


def digest(files: Mapping[str, bytes]) -> str:
    """A short name for the paths and contents of files."""
    content = hashlib.sha256()
    for path in sorted(files):
        content.update(f"{path}\0{len(files[path])}\0".encode() + files[path])
    return content.hexdigest()[:16]
