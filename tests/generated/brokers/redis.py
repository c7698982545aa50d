"""A Redis server of our own, on a free port: stopped, killed, frozen and looked into by a test."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from tests.support import Outcome, free_port, program, run

START_SECONDS = 30


class Server:
    """A server that trusts everybody on this machine. What it has answered outlives its end."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._log = directory / "log"
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        options = f"--bind 127.0.0.1 --port {self._port} --dir {self._directory} --appendonly yes"
        command = [program("redis-server"), *options.split(), "--save", ""]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
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
        with self._client() as client:
            return [fields[b"body"] for _, fields in client.xrange(f"{name}-dead")]

    def left(self, name: str) -> int:
        """How many messages are not settled: waiting, delivered, or waiting for a retry."""
        with self._client() as client:
            return int(client.xlen(name))

    def command(self, *words: str) -> Outcome:
        """Runs a command of the server's as who looks after it."""
        return run([program(words[0]), "-u", self.url, "-e", *words[1:]], cwd=self._directory)

    def _client(self) -> redis.Redis:
        return redis.Redis(port=self._port, protocol=2)

    def _answers(self) -> bool:
        """Whether the server takes commands, which it does when it has read its messages."""
        try:
            with self._client() as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False

    def _end(self, signal_number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(signal_number)
            self._process.wait(timeout=START_SECONDS)
            self._process = None


@contextmanager
def running_server() -> Iterator[Server]:
    """Starts a server with nothing in it, in a directory of its own, and ends it afterwards."""
    with tempfile.TemporaryDirectory(prefix="redis-") as directory:
        server = Server(Path(directory))
        try:
            server.start()
            yield server
        finally:
            server.kill()
