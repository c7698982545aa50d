"""A RabbitMQ server of our own, on free ports: stopped, killed, frozen and looked into by a test."""

import logging
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

import pika
import pytest
from pika.exceptions import AMQPError

from tests.support import Outcome, free_port

logging.getLogger("pika").setLevel(logging.CRITICAL)  # it complains of every server that does not answer yet

START_SECONDS = 120
TICK_SECONDS = 0.1

CONFIGURATION = """
listeners.tcp.local = 127.0.0.1:{port}
prometheus.tcp.ip = 127.0.0.1
prometheus.tcp.port = {metrics_port}
"""
# How often a queue tells how many messages it has.
ADVANCED_CONFIGURATION = f"[{{rabbit, [{{quorum_tick_interval, {TICK_SECONDS * 1000:.0f}}}]}}].\n"
LOOPBACK_ONLY = "-kernel inet_dist_use_interface {127,0,0,1}"


class Server:
    """A server whose only user is guest. Its messages outlive its end."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._log = directory / "output"
        self._port, self._metrics_port, self._node_port, self._names_port = (free_port() for _ in range(4))
        self._program = _program("rabbitmq-server")
        self._names: subprocess.Popen[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"amqp://guest:guest@127.0.0.1:{self._port}/"
        self._write("rabbitmq.conf", CONFIGURATION.format(port=self._port, metrics_port=self._metrics_port))
        self._write("advanced.config", ADVANCED_CONFIGURATION)
        self._write("enabled_plugins", "[rabbitmq_prometheus].\n")

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        if self._names is None:  # otherwise the server leaves one behind
            self._names = self._run("epmd", "-address", "127.0.0.1", "-port", str(self._names_port))
        self._process = self._run(self._program)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, self._log.read_text(encoding="utf-8")
            assert time.monotonic() < deadline, self._log.read_text(encoding="utf-8")
            time.sleep(0.05)

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
        queue = f"{name}-dead"
        bodies: list[bytes] = []
        if queue not in self._messages():
            return bodies
        with closing(self._connect()) as connection:
            channel = connection.channel()  # its end gives them back
            while (answer := channel.basic_get(queue))[0] is not None:
                bodies.append(answer[2])
        return bodies

    def left(self, name: str) -> int:
        """How many messages are not settled: waiting, delivered, or waiting for a retry."""
        counts = []
        for _ in range(2):  # what has just left one queue may not be counted in the next one yet
            time.sleep(3 * TICK_SECONDS)
            counts.append(self._count(name))
        return max(counts)

    def command(self, *words: str) -> Outcome:
        """Runs a command of the server's as who looks after it."""
        process = self._begin(_program(words[0]), *words[1:], output=subprocess.PIPE)
        output, _ = process.communicate(timeout=START_SECONDS)
        return Outcome(" ".join(words), process.returncode, output.decode())

    def close(self) -> None:
        """Ends everything that was started."""
        self.kill()
        if self._names is not None:
            self._names.kill()
            self._names.wait()

    def _count(self, name: str) -> int:
        queue = re.compile(rf"{re.escape(name)}(-retry-\d+s)?")
        return sum(count for found, count in self._messages().items() if queue.fullmatch(found))

    def _messages(self) -> dict[str, int]:
        """How many messages each queue has."""
        url = f"http://127.0.0.1:{self._metrics_port}/metrics/per-object"
        with urllib.request.urlopen(url, timeout=START_SECONDS) as response:
            text = response.read().decode()
        found = re.findall(r'^rabbitmq_queue_messages\{[^}]*queue="([^"]+)"[^}]*\} (\S+)$', text, re.MULTILINE)
        return {queue: int(float(count)) for queue, count in found}

    def _connect(self) -> pika.BlockingConnection:
        return pika.BlockingConnection(pika.URLParameters(f"{self.url}?socket_timeout=5&blocked_connection_timeout=30"))

    def _answers(self) -> bool:
        try:
            self._messages()
            self._connect().close()
        except (AMQPError, OSError):
            return False
        return True

    def _end(self, signal_number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(signal_number)
            self._process.wait(timeout=START_SECONDS)
            self._process = None

    def _run(self, *command: str | Path) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return self._begin(*command, output=log)

    def _begin(self, *command: str | Path, output: int | IO[bytes]) -> subprocess.Popen[bytes]:
        owner = _owner()
        return subprocess.Popen(
            command,
            cwd=self._directory,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            user=owner.pw_uid if owner else None,
            group=owner.pw_gid if owner else None,
            extra_groups=[] if owner else None,
        )

    def _environment(self) -> dict[str, str]:
        """Everything in the directory, nothing from the system's own server, and the node in the process that is started."""
        here = self._directory
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(here),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._names_port),
            "RABBITMQ_ALLOW_INPUT": "true",
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(here / "advanced.config"),
            "RABBITMQ_CONFIG_FILE": str(here / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_DIST_PORT": str(self._node_port),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(here / "enabled_plugins"),
            "RABBITMQ_LOG_BASE": str(here / "log"),
            "RABBITMQ_MNESIA_BASE": str(here / "data"),
            "RABBITMQ_NODENAME": f"node{self._node_port}@localhost",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"-noinput +S 2:2 +sbwt none -start_epmd false {LOOPBACK_ONLY}",
        }

    def _write(self, name: str, text: str) -> None:
        (self._directory / name).write_text(text, encoding="utf-8")


@contextmanager
def running_server() -> Iterator[Server]:
    """Starts a server with nothing in it, in a directory of its own, and ends it afterwards."""
    with tempfile.TemporaryDirectory(prefix="rabbitmq-") as directory:
        if owner := _owner():
            os.chown(directory, owner.pw_uid, owner.pw_gid)
        server = Server(Path(directory))
        try:
            server.start()
            yield server
        finally:
            server.close()


def _owner() -> pwd.struct_passwd | None:
    """Who runs the server: not root, which could read and write anything."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _program(name: str) -> Path:
    """The program beside Debian's wrapper, which insists on root or the user rabbitmq, or else the one on PATH."""
    beside = Path("/usr/lib/rabbitmq/bin", name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip("RabbitMQ is not installed.")
    return Path(found)
