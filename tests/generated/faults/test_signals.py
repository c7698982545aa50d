"""How a service ends when it is told to: by Ctrl-C at once, by a second signal whatever is still open."""

import signal
from itertools import product

import pytest

from tests.generated.faults.clients import Connection
from tests.generated.faults.subject import Subject

pytestmark = pytest.mark.go

LONG = {"DRAIN_DELAY": "1h", "SHUTDOWN_TIMEOUT": "1h"}
"""Longer than any test waits."""


def test_ctrl_c_skips_the_drain(server: Subject) -> None:
    with server.running(**LONG) as service:
        assert service.stop(signal.SIGINT) == 0
        assert service.rest_of_log()[-1]["msg"] == "stopped"


@pytest.mark.parametrize(("first", "second"), [*product([signal.SIGTERM, signal.SIGINT], repeat=2)])
def test_second_signal_ends_at_once(first: int, second: int, subject: Subject) -> None:
    with subject.running(**LONG) as service, Connection(service.public) as client:
        client.send(b"POST /v1/users HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{")
        service.wait_until_active(1)
        service.process.send_signal(first)
        service.logged("stopping")

        assert service.stop(second) == -second


def test_request_that_has_begun_is_finished(subject: Subject) -> None:
    with subject.running() as service, Connection(service.public) as client:
        body = b'{"name": "Ada Lovelace", "email": "ada@example.com"}'
        head = f"POST /v1/users HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        client.send(head.encode() + body[:-1])
        service.wait_until_active(1)
        service.process.send_signal(signal.SIGTERM)
        service.logged("stopping")
        client.send(body[-1:])

        assert client.receive().startswith(b"HTTP/1.1 201 Created\r\n")
        assert service.process.wait(30) == 0
