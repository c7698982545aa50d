"""A service that is told how many requests it may answer at a time refuses the others at once."""

import signal

import pytest

from tests.generated.faults.clients import Connection
from tests.generated.faults.subject import Subject

pytestmark = pytest.mark.go

BODY = b'{"name": "Ada Lovelace", "email": "ada@example.com"}'

HEAD = f"POST /v1/users HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n".encode()


def test_requests_over_the_limit_are_refused(subject: Subject) -> None:
    with subject.running(MAX_IN_FLIGHT="2") as service, Connection(service.public) as first, Connection(service.public) as second:
        for client in (first, second):
            client.send(HEAD + BODY[:-1])
        service.wait_until_active(2)

        refused = service.ask("GET", "/v1/users")
        assert (refused.status, refused.headers["retry-after"]) == (503, "1"), refused
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.body["status"] == 503
        assert service.is_ready()

        for client, status in ((first, b"201"), (second, b"409")):
            client.send(BODY[-1:])
            assert client.receive().startswith(b"HTTP/1.1 " + status)
        assert service.ask("GET", "/v1/users").status == 200
        assert service.stop(signal.SIGTERM) == 0
