"""A generated service as a process: started, asked over HTTP, told to stop."""

import http.client
import json
import queue
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tests.gotools import environment

PATIENCE = 30.0
"""Seconds after which a service that should have answered counts as broken."""

PROBE_PERIOD = 0.1

LOG_ENDED = {"msg": "the log ended"}

ANY_PORT = {"HTTP_ADDR": "127.0.0.1:0", "GRPC_ADDR": "127.0.0.1:0", "ADMIN_ADDR": "127.0.0.1:0", "DRAIN_DELAY": "0s"}


@dataclass(frozen=True)
class Answer:
    """What a service answered."""

    status: int
    headers: dict[str, str]
    body: Any


class Service:
    """A running service, with the addresses that it says it is bound to; a worker has no public one.

    It reads the process's standard error to the end, and closes it: nobody else may.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._log: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._read_log, daemon=True).start()
        ready = self.logged("ready")
        self.public, self.grpc, self.admin = ready.get("http", ""), ready.get("grpc", ""), ready["admin"]

    def logged(self, message: str) -> dict[str, Any]:
        """The next log record with this message."""
        while (record := self._log.get(timeout=PATIENCE))["msg"] != message:
            pass
        return record

    def ask(
        self, method: str, path: str, body: object = None, *, admin: bool = False, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Sends one request, with a JSON body if there is one. A JSON answer is decoded."""
        connection = http.client.HTTPConnection(self.admin if admin else self.public, timeout=PATIENCE)
        try:
            content = None if body is None else json.dumps(body)
            media_type = {"Content-Type": "application/json"} if content else {}
            connection.request(method, path, content, {**media_type, **(headers or {})})
            response = connection.getresponse()
            received = {name.lower(): value for name, value in response.getheaders()}
            text = response.read().decode()
            return Answer(
                response.status, received, json.loads(text) if text and "json" in received.get("content-type", "") else text
            )
        finally:
            connection.close()

    def is_ready(self) -> bool:
        return self.ask("GET", "/readyz", admin=True).status == HTTPStatus.OK

    def wait_until_ready(self) -> None:
        """Probes the readiness as an orchestrator does: an answer may be a moment old."""
        eventually(self.is_ready)

    def metric(self, name: str, *, otherwise: float | None = None) -> float:
        """The value of a metric, by its name and labels as they are exported."""
        exported = self.ask("GET", "/metrics", admin=True).body
        if found := re.search(rf"^{re.escape(name)} (\S+)$", exported, re.MULTILINE):
            return float(found[1])
        assert otherwise is not None, f"{name} is not among the metrics"
        return otherwise

    def wait_until_active(self, requests: int) -> None:
        """Waits until that many requests are being answered."""
        eventually(lambda: self.metric("http_server_active_requests") == requests)

    def goroutines(self) -> int:
        """How many goroutines the service has. The metric would count those that gather the metrics, a number that varies."""
        profile = self.ask("GET", "/debug/pprof/goroutine?debug=1", admin=True).body
        return int(profile.partition("total ")[2].split()[0])

    def wait_until_goroutines(self, most: int) -> None:
        """Waits until there are no more goroutines than that. Where there are, it says which."""
        try:
            eventually(lambda: self.goroutines() <= most)
        except AssertionError as error:
            profile = self.ask("GET", "/debug/pprof/goroutine?debug=1", admin=True).body
            raise AssertionError(f"more than {most} goroutines are left:\n{profile}") from error

    def goroutines_within(self, function: str) -> int:
        """How many goroutines are in a function, or in what it has called."""
        stacks = self.ask("GET", "/debug/pprof/goroutine?debug=2", admin=True).body.split("\n\n")
        return sum(function in stack for stack in stacks)

    def resident_memory(self) -> int:
        """The bytes of memory that the process occupies."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return 1024 * int(status.partition("VmRSS:")[2].split()[0])

    def stop(self, with_signal: int) -> int:
        """Sends a signal and waits for the exit status."""
        self.process.send_signal(with_signal)
        return self.process.wait(PATIENCE)

    def rest_of_log(self) -> list[dict[str, Any]]:
        """What an ended service has logged and nobody read yet."""
        assert self.process.poll() is not None
        return list(iter(lambda: self._log.get(timeout=PATIENCE), LOG_ENDED))

    def _read_log(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as log:
            for line in log:
                whole = line.startswith("{") and line.endswith("}\n")  # what is killed while it writes leaves half a line
                self._log.put(json.loads(line) if whole else {"msg": line.strip()})
        self._log.put(LOG_ENDED)


def eventually(holds: Callable[[], bool]) -> None:
    """Asks again and again until something holds."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"{holds} does not hold"
        time.sleep(PROBE_PERIOD)


@contextmanager
def running(binary: Path, **configuration: str) -> Iterator[Service]:
    """Starts a service on free ports and waits until it says that it is ready."""
    process = subprocess.Popen(
        [binary], env=environment() | ANY_PORT | configuration, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8"
    )
    with followed(process) as service:
        yield service


@contextmanager
def followed(process: subprocess.Popen[str]) -> Iterator[Service]:
    """A program that was started, as a service. It is killed if it was not stopped."""
    try:
        yield Service(process)
    finally:
        process.kill()
        process.wait(PATIENCE)
