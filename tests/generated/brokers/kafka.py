"""A Kafka server of our own, broker and controller in one: ended with the session, or stopped, killed and frozen by a test."""

import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from tests.generated.service import PATIENCE
from tests.support import free_port, program, run

CLUSTER = "AAAAAAAAAAAAAAAAAAAAAQ"

START_PATIENCE = 120.0
"""Seconds after which a start counts as failed: Java takes long on a busy machine."""


SECURITY = "org.apache.kafka.common.security"

USER, PASSWORD = "worker", "p@ss:w/rd%?"


class Server:
    """A server with two listeners: one that trusts everybody on this machine, and one with TLS that wants a password."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._kafka = program("kafka")
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"127.0.0.1:{free_port()}"
        self.secure_address = f"127.0.0.1:{free_port()}"
        self.certificate = directory / "certificate.pem"
        """That of the secure listener, signed by itself."""

        keystore = self._make_keystore()
        controller = f"127.0.0.1:{free_port()}"
        self._settings = directory / "server.properties"
        self._settings.write_text(
            f"""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{controller}
listeners=PLAINTEXT://{self.url},SECURE://{self.secure_address},CONTROLLER://{controller}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.secure.plain.sasl.jaas.config={SECURITY}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";
listener.name.secure.scram-sha-256.sasl.jaas.config={SECURITY}.scram.ScramLoginModule required;
listener.name.secure.scram-sha-512.sasl.jaas.config={SECURITY}.scram.ScramLoginModule required;
log.dirs={directory}/logs
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
group.initial.rebalance.delay.ms=0
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.cleaner.dedupe.buffer.size=8388608
""",
            encoding="utf-8",
        )
        users = [
            argument
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
            for argument in ("--add-scram", f'{mechanism}=[name="{USER}",password="{PASSWORD}"]')
        ]
        format_storage = self._run(
            "kafka.tools.StorageTool", "format", "--cluster-id", CLUSTER, "--config", self._settings, *users
        )
        assert format_storage.wait(START_PATIENCE) == 0, self._log()

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        self._process = self._run("kafka.Kafka", self._settings)
        deadline = time.monotonic() + START_PATIENCE
        while not self._answers():
            assert time.monotonic() < deadline, self._log()

    def stop(self) -> None:
        """Stops the server orderly."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends the server as a crash would."""
        self._end(signal.SIGKILL)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Within, the server does nothing, and no connection is closed."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def dead_letters(self, name: str) -> list[bytes]:
        """The bodies of the dead letters."""
        with self._consumer() as consumer:
            ends = self._ends(consumer, f"{name}-dead")
            consumer.assign(list(ends))
            consumer.seek_to_beginning(*ends)
            bodies = []
            while any(consumer.position(partition) < end for partition, end in ends.items()):
                for records in consumer.poll(timeout_ms=1000).values():
                    bodies += [record.value or b"" for record in records]
            return bodies

    def left(self, name: str) -> int:
        """How many messages are not settled: waiting, delivered, or waiting for a retry."""
        with self._consumer(group_id=name) as consumer:
            ends = self._ends(consumer, name) | self._ends(consumer, f"{name}-retry")
            return sum(end - (consumer.committed(partition) or 0) for partition, end in ends.items())

    def _make_keystore(self) -> Path:
        key, keystore = self._directory / "key.pem", self._directory / "keystore.pem"
        made = run(
            [
                *(program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
                *("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"),
                *("-keyout", key, "-out", self.certificate),
            ],
            cwd=self._directory,
        )
        assert made.status == 0, made
        keystore.write_bytes(key.read_bytes() + self.certificate.read_bytes())
        return keystore

    def _consumer(self, **settings: str) -> KafkaConsumer:
        return KafkaConsumer(bootstrap_servers=self.url, enable_auto_commit=False, **settings)

    def _ends(self, consumer: KafkaConsumer, topic: str) -> dict[TopicPartition, int]:
        ids = consumer.partitions_for_topic(topic) or set()
        ends: dict[TopicPartition, int] = consumer.end_offsets([TopicPartition(topic, number) for number in ids])
        return ends

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log()
        host, _, port = self.url.partition(":")
        try:
            socket.create_connection((host, int(port))).close()  # where nobody listens, the client waits, and leaves sockets open
            KafkaAdminClient(bootstrap_servers=self.url).close()
        except (KafkaError, OSError):
            return False
        return True

    def _end(self, with_signal: int) -> None:
        assert self._process is not None
        self._process.send_signal(with_signal)
        self._process.wait(PATIENCE)

    def _log(self) -> str:
        return (self._directory / "log").read_text(encoding="utf-8")

    def _run(self, *arguments: str | Path) -> subprocess.Popen[bytes]:
        with (self._directory / "log").open("ab") as log:
            return subprocess.Popen(
                [self._kafka, *arguments], cwd=self._directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )


@contextmanager
def running_server() -> Iterator[Server]:
    """Starts a server without topics in a directory of its own, and kills it afterwards."""
    with tempfile.TemporaryDirectory(prefix="kafka-") as directory:
        server = Server(Path(directory))
        server.start()
        try:
            yield server
        finally:
            server.kill()
