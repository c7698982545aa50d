"""Replicas are replaced one after the other, under load by the client package: no call fails, for each is finished."""

import signal
from contextlib import ExitStack
from itertools import cycle, islice

import pytest

from tests.generated.calls import handled
from tests.generated.faults.calling import Programs, Report, failed
from tests.generated.faults.loopback import own_address
from tests.generated.faults.subject import Subject
from tests.generated.service import Service, eventually

pytestmark = pytest.mark.go

REPLACEMENTS = 50

DRAIN = "200ms"


class Replica:
    """A service that comes back at its old address."""

    def __init__(self, subject: Subject, running: ExitStack) -> None:
        self._subject = subject
        self._running = running
        self._service = self._start(f"{own_address()}:0")

    @property
    def address(self) -> str:
        return str(self._service.grpc)

    def stop(self, told: int) -> int:
        return self._service.stop(told)

    def start_again(self) -> None:
        self._service = self._start(self.address)

    def wait_until_called(self) -> None:
        """Waits until clients have found the replica."""
        eventually(lambda: handled(self._service, "CreateUser", "OK") > 0)

    def _start(self, address: str) -> Service:
        return self._running.enter_context(self._subject.running(GRPC_ADDR=address, DRAIN_DELAY=DRAIN))


def replaced_under_load(subject: Subject, programs: Programs, told: int, times: int) -> tuple[set[int], Report]:
    """How the stopped replicas ended, and what the load met."""
    with ExitStack() as running:
        replicas = [Replica(subject, running) for _ in range(2)]
        statuses = set()
        with programs.loading(*(replica.address for replica in replicas)) as load:
            for replica in replicas:
                replica.wait_until_called()
            for replica in islice(cycle(replicas), times):
                statuses.add(replica.stop(told))
                replica.start_again()
                replica.wait_until_called()
            report = load.end()
        return statuses | {replica.stop(signal.SIGTERM) for replica in replicas}, report


def test_no_call_fails_while_replicas_are_replaced(full_grpc_subject: Subject, programs: Programs) -> None:
    statuses, report = replaced_under_load(full_grpc_subject, programs, signal.SIGTERM, REPLACEMENTS)

    assert statuses == {0}
    assert failed(report) == {}
    assert report.keys() == {"CreateUser OK", "GetUser OK", "ListUsers OK"}
    assert min(report.values()) > 10 * REPLACEMENTS


def test_calls_fail_where_replicas_are_killed(full_grpc_subject: Subject, programs: Programs) -> None:
    """So the load would show it if a stop did not wait for what has begun."""
    _, report = replaced_under_load(full_grpc_subject, programs, signal.SIGKILL, 8)

    assert "CreateUser Unavailable" in failed(report)
