"""A NATS server with JetStream of our own, on a free port: stopped, killed, frozen and looked into by a test."""

import asyncio
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import nats
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from tests.support import free_port, program

T = TypeVar("T")

START_SECONDS = 30


class Server:
    """A server that trusts everybody on this machine. Its messages outlive its end."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._log = directory / "log"
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"nats://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        options = ["--addr=127.0.0.1", f"--port={self._port}", "--jetstream", f"--store_dir={self._directory}"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([program("nats-server"), *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, self._log.read_text(encoding="utf-8")
            assert time.monotonic() < deadline, self._log.read_text(encoding="utf-8")
            time.sleep(0.02)

    def stop(self) -> None:
        """Stops the server in an orderly way."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends the server as a crash would."""
        self._end(signal.SIGKILL)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Within, the server does nothing, and no connection is closed."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._process.pid, signal.SIGCONT)

    def dead_letters(self, name: str) -> list[bytes]:
        """The bodies of the buried messages."""
        return self._ask(lambda js: _bodies(js, f"{name}-dead"))

    def left(self, name: str) -> int:
        """How many messages are not settled: waiting, delivered, or waiting for a retry."""
        return self._ask(lambda js: _count(js, name))

    def _answers(self) -> bool:
        """Whether the server takes clients, which it does when it has read its messages."""
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1) as connection:
                return connection.recv(5) == b"INFO "
        except OSError:
            return False

    def _end(self, signal_number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(signal_number)
            self._process.wait(timeout=START_SECONDS)
            self._process = None

    def _ask(self, question: Callable[[JetStreamContext], Awaitable[T]]) -> T:
        async def ask() -> T:
            client = await nats.connect(self.url, allow_reconnect=False)
            try:
                return await question(client.jetstream())
            finally:
                await client.close()

        return asyncio.run(ask())


@contextmanager
def running_server() -> Iterator[Server]:
    """Starts a server with nothing in it, in a directory of its own, and ends it afterwards."""
    with tempfile.TemporaryDirectory(prefix="nats-") as directory:
        server = Server(Path(directory))
        try:
            server.start()
            yield server
        finally:
            server.kill()


async def _count(js: JetStreamContext, stream: str) -> int:
    try:
        return (await js.stream_info(stream)).state.messages
    except NotFoundError:
        return 0


async def _bodies(js: JetStreamContext, stream: str) -> list[bytes]:
    try:
        state = (await js.stream_info(stream)).state
    except NotFoundError:
        return []
    messages = [await js.get_msg(stream, sequence) for sequence in range(max(state.first_seq, 1), state.last_seq + 1)]
    return [message.data or b"" for message in messages]
