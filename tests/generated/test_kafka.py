"""Kafka that asks for a login by TLS: a worker with the right URL does its jobs, and any other says what is wrong with it."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.generated.brokers import Server as Broker
from tests.generated.brokers import kafka
from tests.generated.conftest import Project
from tests.generated.deploy.jobs import send
from tests.generated.faults.subject import Subject
from tests.generated.service import ANY_PORT, PATIENCE, eventually
from tests.gotools import environment
from tests.rendering import render_variant
from tests.support import Shared
from tests.variants import one_with_each

pytestmark = pytest.mark.go

PASSWORD = quote(kafka.PASSWORD, safe="")
LOGIN = f"{kafka.USER}:{PASSWORD}@"


@pytest.fixture
def server(broker: Callable[[str], Broker]) -> kafka.Server:
    """The server of other tests, too, which use its other address."""
    started = broker("kafka")
    assert isinstance(started, kafka.Server)
    return started


@pytest.fixture
def subject(server: kafka.Server, shared: Shared) -> Subject:
    """A worker that trusts the server, and has not been told where it is."""
    project = Project(render_variant(shared, one_with_each("go-worker-pool", "source")["kafka"]), shared)
    return Subject(project, {"SSL_CERT_FILE": str(server.certificate)})


@pytest.mark.parametrize("parameter", ["", "?sasl=scram-sha-512", "?sasl=scram-sha-256", "?sasl=plain"])
def test_worker_does_its_jobs_after_a_login(parameter: str, server: kafka.Server, subject: Subject, names: Iterator[str]) -> None:
    settings = {"KAFKA_BROKERS": f"kafka+ssl://{LOGIN}{server.secure_address}{parameter}", "JOBS": next(names)}

    with subject.running(**settings) as service:
        send(['{"text": "one"}'], subject.project, {**subject.settings, **settings})
        eventually(lambda: service.metric('worker_settlements_total{settlement="acked"}') == 1)


@pytest.mark.parametrize(
    ("credentials", "parameter", "reason"),
    [
        (f"{kafka.USER}:hunter2@", "", "invalid credentials with SASL mechanism SCRAM-SHA-512"),
        (f"{kafka.USER}:hunter2@", "?sasl=scram-sha-256", "invalid credentials with SASL mechanism SCRAM-SHA-256"),
        (f"{kafka.USER}:hunter2@", "?sasl=plain", "Invalid username or password"),
        (f"nobody:{PASSWORD}@", "", "invalid credentials with SASL mechanism SCRAM-SHA-512"),
        ("", "", "is SASL missing?"),
    ],
)
def test_login_that_is_refused_is_told(
    credentials: str, parameter: str, reason: str, server: kafka.Server, subject: Subject
) -> None:
    assert_worker_says(reason, subject, f"kafka+ssl://{credentials}{server.secure_address}{parameter}")


def test_certificate_of_an_unknown_authority_is_told(server: kafka.Server, subject: Subject, tmp_path: Path) -> None:
    nobody = tmp_path / "nobody.pem"
    nobody.touch()

    url = f"kafka+ssl://{LOGIN}{server.secure_address}"
    assert_worker_says("certificate signed by unknown authority", subject, url, SSL_CERT_FILE=str(nobody))


@pytest.mark.parametrize("scheme", ["", "kafka://"])
def test_missing_tls_is_told(scheme: str, server: kafka.Server, subject: Subject) -> None:
    assert_worker_says("plaintext connection speaking to a tls endpoint", subject, f"{scheme}{server.secure_address}")


def test_tls_that_the_broker_does_not_speak_is_told(server: kafka.Server, subject: Subject) -> None:
    assert_worker_says("is TLS misconfigured", subject, f"kafka+ssl://{LOGIN}{server.url}")


def assert_worker_says(reason: str, subject: Subject, url: str, **settings: str) -> None:
    """Starts a worker and waits until it says why it has no broker; it would try again until the patience is over."""
    configuration = {"KAFKA_BROKERS": url, "START_TIMEOUT": f"{PATIENCE}s", **settings}
    said = []
    with subprocess.Popen(
        [subject.binary],
        env={**environment(), **ANY_PORT, **subject.settings, **configuration},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as worker:
        try:
            assert worker.stderr is not None
            for line in worker.stderr:
                said.append(line)
                if reason in line:
                    break
        finally:
            worker.kill()
    assert reason in said[-1]
    assert all(record["msg"] == "broker does not answer" for record in map(json.loads, said))
    assert not any(password in line for line in said for password in ("hunter2", PASSWORD, kafka.PASSWORD))
