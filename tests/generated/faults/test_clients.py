"""Clients that are slow, idle or send too much take neither the service's time, nor its memory, nor its stop."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.generated.faults.clients import Connection, idling
from tests.generated.faults.subject import Subject
from tests.generated.service import Service, eventually
from tests.gotools import environment
from tests.support import program, run

pytestmark = pytest.mark.go

MIB = 1 << 20

MEMORY = 256 * MIB
"""What the container may use."""

IDLE = 10_000

SLOW_READERS = 20

UNREAD = 100
"""Answers that a slow reader asks for, about 100 kB each: more than sockets buffer."""

GET = b"GET /v1/users?limit=100 HTTP/1.1\r\nHost: test\r\n\r\n"

POST = b'POST /v1/users HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"name": "'


@contextmanager
def slow_readers(service: Service) -> Iterator[None]:
    """Clients that have asked for more than they take, so that the service waits for them."""
    longest = "\N{GOTHIC LETTER HWAIR}" * 200
    for number in range(100):
        created = service.ask("POST", "/v1/users", {"name": longest, "email": f"ada-{number}@example.com"})
        assert created.status == 201, created
    with ExitStack() as clients:
        for _ in range(SLOW_READERS):
            clients.enter_context(Connection(service.public, receive_buffer=4096)).send(GET * UNREAD)
        eventually(lambda: service.goroutines_within("poll.(*pollDesc).waitWrite") == SLOW_READERS)
        yield


def test_slow_clients_are_cut_off(full_subject: Subject) -> None:
    with full_subject.running(REQUEST_TIMEOUT="1s", MEMORY_LIMIT=str(MEMORY)) as service:
        service.wait_until_ready()
        before = service.goroutines()
        with slow_readers(service), Connection(service.public) as header, Connection(service.public) as body:
            header.send(b"GET /v1/users HTTP/1.1\r\nX-Slow: ")
            body.send(POST)
            assert service.ask("GET", "/v1/users").status == 200
            assert service.resident_memory() < MEMORY

            assert header.drip() == b""
            refused = body.drip()
            assert refused.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
            assert b"\r\nConnection: close\r\n" in refused
            service.wait_until_active(0)
            service.wait_until_goroutines(before)
        assert service.stop(signal.SIGTERM) == 0


def test_slow_readers_do_not_hold_the_stop(full_subject: Subject) -> None:
    """They cost the service its clean end, for their answers are cut off."""
    with full_subject.running(SHUTDOWN_TIMEOUT="1s") as service, slow_readers(service):
        assert service.stop(signal.SIGTERM) == 1
        *_, stopped, reason = (record["msg"] for record in service.rest_of_log())
        assert stopped == "stopped"
        assert "stop http: wait for requests: context deadline exceeded" in reason


@pytest.mark.parametrize("sent", ["with its length", "in chunks", "after asking"])
def test_large_body_is_refused(sent: str, subject: Subject, tmp_path: Path) -> None:
    options = {
        "with its length": ["--header", "Expect:"],
        "in chunks": ["--header", "Expect:", "--header", "Transfer-Encoding: chunked"],
        "after asking": ["--header", "Expect: 100-continue", "--expect100-timeout", "30"],
    }
    body = tmp_path / "body"
    body.write_bytes(b'{"name": "' + b"a" * 10 * MIB + b'"}')
    with subject.running() as service:
        command = [program("curl"), "--silent", "--show-error", "--include", *options[sent], "--data-binary", f"@{body}"]
        command += [
            "--header",
            "Content-Type: application/json",
            "--write-out",
            "\n%{size_upload}",
            f"http://{service.public}/v1/users",
        ]
        refused = run(command, cwd=tmp_path, env=environment())

        assert refused.status == 0, refused
        assert refused.output.startswith("HTTP/1.1 413 Request Entity Too Large\n"), refused
        assert "\nConnection: close\n" in refused.output
        assert '"detail":"The body has more than 1048576 bytes."' in refused.output
        if sent == "after asking":
            assert refused.output.endswith("\n0"), "the client is told before it sends anything"
        service.wait_until_active(0)
        assert service.ask("GET", "/v1/users").body == {"items": []}
        assert service.stop(signal.SIGTERM) == 0


def test_ten_thousand_idle_connections_fit(subject: Subject) -> None:
    with subject.running(MEMORY_LIMIT=str(MEMORY)) as service, idling(service.public, IDLE) as idlers:
        assert service.goroutines() > IDLE
        assert service.resident_memory() < MEMORY
        assert service.ask("GET", "/v1/users").status == 200

        assert service.stop(signal.SIGTERM) == 0
        idlers.wait_until_closed()
