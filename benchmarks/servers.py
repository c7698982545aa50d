"""Servers under measurement: made, built, started on free ports, asked, and ended."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from benchmarks.measuring import ROOT
from tests.gotools import environment, go
from tests.rendering import copy_template, render

OVERLAYS = ROOT / "benchmarks/overlays"
PATIENCE = 30.0
PROBE_PERIOD = 0.0005

LINKED = "-ldflags=-s -w"
"""How the Dockerfile of a service links: stripped."""


def make_service(directory: Path, *, overlay: str | None = None, **answers: Any) -> Path:
    """A service in `directory`, of go-http-service unless told otherwise, with the Go files of an overlay added."""
    with tempfile.TemporaryDirectory() as temporary:
        template = copy_template(Path(temporary) / "template")
        render(template, directory, {"template": "go-http-service", "name": "user-service", **answers})
    if overlay:
        shutil.copytree(OVERLAYS / overlay, directory, dirs_exist_ok=True)
    return directory


def build(project: Path, package: str) -> Path:
    """The program of a package, stripped and without cgo."""
    program = project / "bin" / Path(package).name
    outcome = go(project, "build", LINKED, "-o", program, package, CGO_ENABLED="0")
    if outcome.status:
        raise RuntimeError(str(outcome))
    return program


def free_address() -> str:
    """A loopback address that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


class Server:
    """A running server. What it logs is formatted and written, to nowhere."""

    def __init__(
        self, command: Sequence[str | Path], address: str, probe: str, *, env: Mapping[str, str], cwd: Path | None = None
    ) -> None:
        start = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**environment(), **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.address = address
        self._wait_for(probe)
        self.start_seconds = time.perf_counter() - start

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"http://{self.address}{path}"

    def resident_bytes(self) -> int:
        """The memory that the process has now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
        return int(line.split()[1]) * 1024

    def processor_seconds(self) -> float:
        """The time for which processors have worked for the process."""
        after_name = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")

    def end(self) -> None:
        """Kill the process, if it has not ended."""
        self.process.kill()
        self.process.wait()

    def _wait_for(self, probe: str) -> None:
        """Ask a probe, `address/path`, until it answers 200, or connect to an address until somebody listens."""
        address, slash, path = probe.partition("/")
        deadline = time.monotonic() + PATIENCE
        while not (_answers(address, slash + path) if slash else _listens(address)):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.end()
                raise RuntimeError(f"{self.process.args!r} did not get ready.")
            time.sleep(PROBE_PERIOD)


@contextmanager
def running(
    command: Sequence[str | Path], address: str, probe: str, *, env: Mapping[str, str], cwd: Path | None = None
) -> Iterator[Server]:
    """A server that is ready, killed at the end."""
    server = Server(command, address, probe, env=env, cwd=cwd)
    try:
        yield server
    finally:
        server.end()


@contextmanager
def running_service(program: Path, **configuration: str) -> Iterator[Server]:
    """A service of go-http-service that is ready."""
    address, admin = free_address(), free_address()
    env = {"HTTP_ADDR": address, "ADMIN_ADDR": admin, **configuration}
    with running([program], address, f"{admin}/readyz", env=env) as server:
        yield server


def create_user(server: Server) -> str:
    """The path of a new user."""
    connection = http.client.HTTPConnection(server.address, timeout=PATIENCE)
    body = json.dumps({"name": "Ada Lovelace", "email": "ada@example.com"})
    connection.request("POST", "/v1/users", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    if answer.status != HTTPStatus.CREATED:
        raise RuntimeError(f"no user was created: {answer.status} {answer.read().decode()}")
    path = f"/v1/users/{json.load(answer)['id']}"
    connection.close()
    return path


def _answers(address: str, path: str) -> bool:
    try:
        connection = http.client.HTTPConnection(address, timeout=PATIENCE)
        connection.request("GET", path)
        status = connection.getresponse().status
        connection.close()
    except OSError:
        return False
    return status == HTTPStatus.OK


def _listens(address: str) -> bool:
    host, _, port = address.partition(":")
    try:
        socket.create_connection((host, int(port)), timeout=PATIENCE).close()
    except OSError:
        return False
    return True
