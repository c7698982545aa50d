"""Clients of a gRPC service that are slow, vanish or send too much take neither its time, nor its memory, nor its stop."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.generated.calls import Calls, active, connected, handled
from tests.generated.faults.calling import WATCHERS, Programs
from tests.generated.faults.mirror import everybody, mirroring
from tests.generated.faults.subject import Subject
from tests.generated.service import Service, eventually

pytestmark = pytest.mark.go

MIB = 1 << 20

MEMORY = 256 * MIB
"""What the container may use."""

BATCH = 50
"""Changes between two looks at the service."""

LONGEST = "\N{GOTHIC LETTER HWAIR}" * 200


@contextmanager
def slow_watchers(service: Service, client: Calls, programs: Programs) -> Iterator[subprocess.Popen[str]]:
    """Clients that watch and do not read, for which the service waits within."""
    created = client.ask("CreateUser", {"user": {"name": LONGEST, "email": "ada@example.com"}})
    user = created.body["user"]

    def waits() -> bool:
        for _ in range(BATCH):
            updated = client.ask("UpdateUser", {"user": user, "update_mask": "name"})
            assert updated.code == "OK", updated
            user["version"] = updated.body["user"]["version"]
        return service.goroutines_within("transport.(*writeQuota).get") == WATCHERS

    with programs.watching(service.grpc) as process:
        eventually(waits)
        yield process


def gone(service: Service) -> float:
    """How many watches have ended by their clients' doing."""
    return sum(handled(service, "WatchUsers", code, "server_stream") for code in ("Canceled", "Unavailable"))


def test_slow_and_vanished_watchers_hold_up_nobody(grpc_subject: Subject, programs: Programs) -> None:
    project = grpc_subject.project.path
    with grpc_subject.running(MEMORY_LIMIT=str(MEMORY)) as service, connected(project, service.grpc) as client:
        service.wait_until_ready()
        with mirroring(project, service.grpc, mirrors=1) as (quick,):
            before = service.goroutines()
            with slow_watchers(service, client, programs) as process:
                assert service.resident_memory() < MEMORY
                assert client.ask("ListUsers").code == "OK"
                assert active(service, "server_stream") == WATCHERS + 1
                process.kill()
                eventually(lambda: active(service, "server_stream") == 1)
                eventually(lambda: gone(service) == WATCHERS)
            service.wait_until_goroutines(before)

            last = client.ask("CreateUser", {"user": {"name": "Last", "email": "last@example.com"}})
            quick.wait_until_it_knows(last.body["user"]["id"])
            assert (quick.users, quick.ends) == (everybody(client), [])
        assert service.stop(signal.SIGTERM) == 0


def test_watchers_that_wait_for_a_change_may_vanish(grpc_subject: Subject, programs: Programs) -> None:
    with grpc_subject.running() as service:
        service.wait_until_ready()
        before = service.goroutines()
        with programs.watching(service.grpc) as process:
            assert active(service, "server_stream") == WATCHERS
            process.kill()
            eventually(lambda: active(service, "server_stream") == 0)
            eventually(lambda: gone(service) == WATCHERS)
        service.wait_until_goroutines(before)
        assert service.stop(signal.SIGTERM) == 0


def test_slow_watchers_do_not_hold_the_stop(full_grpc_subject: Subject, programs: Programs) -> None:
    """They cost the service its clean end, for their streams are cut off."""
    project = full_grpc_subject.project.path
    with (
        full_grpc_subject.running(SHUTDOWN_TIMEOUT="1s") as service,
        connected(project, service.grpc) as client,
        slow_watchers(service, client, programs),
    ):
        assert service.stop(signal.SIGTERM) == 1
        *_, stopped, reason = (record["msg"] for record in service.rest_of_log())
        assert stopped == "stopped"
        assert "stop grpc: wait for calls: context deadline exceeded" in reason


def test_large_message_is_refused(grpc_subject: Subject) -> None:
    project = grpc_subject.project.path
    with grpc_subject.running() as service, connected(project, service.grpc) as client:
        large = {"name": "a" * 5 * MIB, "email": "ada@example.com"}

        assert client.ask("CreateUser", {"user": large}).code == "RESOURCE_EXHAUSTED"
        assert everybody(client) == {}
        assert service.resident_memory() < MEMORY
        assert service.stop(signal.SIGTERM) == 0
