"""A generated service as a process: started, asked over HTTP, told to stop."""

import http.client
import json
import queue
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tests.gotools import environment

PATIENCE = 30.0
"""Seconds after which a service that should have answered counts as broken."""

PROBE_PERIOD = 0.1

ANY_PORT = {"HTTP_ADDR": "127.0.0.1:0", "ADMIN_ADDR": "127.0.0.1:0", "DRAIN_DELAY": "0s"}


@dataclass(frozen=True)
class Answer:
    """What a service answered."""

    status: int
    headers: dict[str, str]
    body: Any


class Service:
    """A running service, with the addresses that it says it is bound to."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._log: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._read_log, daemon=True).start()
        ready = self.logged("ready")
        self.public, self.admin = ready["http"], ready["admin"]

    def logged(self, message: str) -> dict[str, Any]:
        """The next log record with this message."""
        while (record := self._log.get(timeout=PATIENCE))["msg"] != message:
            pass
        return record

    def ask(self, method: str, path: str, body: object = None, *, admin: bool = False) -> Answer:
        """Sends one request, with a JSON body if there is one. A JSON answer is decoded."""
        connection = http.client.HTTPConnection(self.admin if admin else self.public, timeout=PATIENCE)
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content, {"Content-Type": "application/json"} if content else {})
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            text = response.read().decode()
            return Answer(response.status, headers, json.loads(text) if "json" in headers.get("content-type", "") else text)
        finally:
            connection.close()

    def wait_until_ready(self) -> None:
        """Probes the readiness as an orchestrator does: an answer may be a moment old."""
        deadline = time.monotonic() + PATIENCE
        while (answer := self.ask("GET", "/readyz", admin=True)).status != HTTPStatus.OK:
            assert time.monotonic() < deadline, answer
            time.sleep(PROBE_PERIOD)

    def stop(self, with_signal: int) -> int:
        """Sends a signal and waits for the exit status."""
        self.process.send_signal(with_signal)
        return self.process.wait(PATIENCE)

    def _read_log(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._log.put(json.loads(line))
        self._log.put({"msg": "the log ended"})


@contextmanager
def running(binary: Path, **configuration: str) -> Iterator[Service]:
    """Starts a service on free ports and waits until it says that it is ready. It is killed if it was not stopped."""
    command = [binary]
    process = subprocess.Popen(
        command, env=environment() | ANY_PORT | configuration, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8"
    )
    with process:
        try:
            yield Service(process)
        finally:
            process.kill()
