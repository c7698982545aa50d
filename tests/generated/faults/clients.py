"""Clients that misbehave: connections that send and read as slowly as a test wants, and great numbers of idle ones."""

import resource
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.generated.service import PATIENCE

DRIP_SECONDS = 0.2

BESIDES = 200
"""Files that a process has open besides its connections."""


class Connection:
    """A connection to a service. It is closed with its context."""

    def __init__(self, address: str, *, receive_buffer: int = 0) -> None:
        host, _, port = address.rpartition(":")
        self._socket = socket.socket()
        self._socket.settimeout(PATIENCE)
        if receive_buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.connect((host, int(port)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def receive(self) -> bytes:
        """What the service sends next; nothing when it has closed the connection."""
        return self._socket.recv(65536)

    def drip(self) -> bytes:
        """Sends a byte at a time until the service says something or closes the connection. Returns what it said."""
        deadline = time.monotonic() + PATIENCE
        while not select.select([self._socket], [], [], DRIP_SECONDS)[0]:
            assert time.monotonic() < deadline, "the service lets itself be dripped on"
            self.send(b"x")
        return self.receive()


class Idlers:
    """A process with idle connections."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert self._next_line() == "open"

    def wait_until_closed(self) -> None:
        """Waits until the service has closed every connection."""
        assert self._next_line() == "closed"
        assert self._process.wait(PATIENCE) == 0

    def _next_line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@contextmanager
def idling(address: str, connections: int) -> Iterator[Idlers]:
    """Opens connections, each of which has asked once and then keeps quiet."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + BESIDES
    if most < needed:
        pytest.skip(f"{connections} connections need a limit of {needed} open files (ulimit -Hn); here it is {most}.")
    command: list[str | Path] = [sys.executable, Path(__file__).with_name("idle.py"), address, str(connections)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, encoding="utf-8") as process:
        try:
            yield Idlers(process)
        finally:
            process.kill()
