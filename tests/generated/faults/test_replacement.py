"""Instances behind a balancer are replaced one after the other, under load: no request fails, because each drains."""

import signal
from contextlib import ExitStack
from itertools import cycle, islice
from pathlib import Path

import pytest

from tests.generated.faults.balancer import CHECK_SECONDS, Balancer, balancing
from tests.generated.faults.load import Report, loading
from tests.generated.faults.loopback import own_address
from tests.generated.faults.subject import Subject
from tests.generated.service import Service

pytestmark = pytest.mark.go

USERS = Path(__file__).with_name("users.lua")

REPLACEMENTS = 50

DRAIN = f"{5 * CHECK_SECONDS}s"
"""Time for five checks, of which one is enough."""


class Instance:
    """A service that comes back at its old addresses."""

    def __init__(self, subject: Subject, name: str, running: ExitStack, **settings: str) -> None:
        self._subject = subject
        self._running = running
        self._settings = settings
        self.name = name
        host = own_address()
        self._service = self._start(HTTP_ADDR=f"{host}:0", ADMIN_ADDR=f"{host}:0")
        self.addresses = self._service.public, self._service.admin

    def replace(self, balancer: Balancer) -> int:
        """Tells the service to stop and starts the next one. Returns how the old one ended."""
        status = self.stop()
        balancer.wait_until(self.name, "DOWN")
        public, admin = self.addresses
        self._service = self._start(HTTP_ADDR=public, ADMIN_ADDR=admin)
        balancer.wait_until(self.name, "UP")
        return status

    def stop(self) -> int:
        return self._service.stop(signal.SIGTERM)

    def _start(self, **addresses: str) -> Service:
        return self._running.enter_context(self._subject.running(**addresses, **self._settings))


def replaced_under_load(subject: Subject, times: int, **settings: str) -> tuple[list[int], Report]:
    """How each of the stopped instances ended, and what the load met."""
    with ExitStack() as running:
        instances = [Instance(subject, name, running, **settings) for name in ("first", "second")]
        with balancing({instance.name: instance.addresses for instance in instances}) as balancer:
            for instance in instances:
                balancer.wait_until(instance.name, "UP")
            with loading(balancer.address, USERS) as load:
                statuses = [instance.replace(balancer) for instance in islice(cycle(instances), times)]
                report = load.end()
        return statuses + [instance.stop() for instance in instances], report


def test_no_request_fails_while_instances_are_replaced(subject: Subject) -> None:
    statuses, report = replaced_under_load(subject, REPLACEMENTS, DRAIN_DELAY=DRAIN)

    assert set(statuses) == {0}
    assert report.failed == {}
    assert report.requests > 10 * REPLACEMENTS


def test_requests_fail_where_instances_do_not_drain(subject: Subject) -> None:
    """So the load would show it if draining did not work."""
    _, report = replaced_under_load(subject, 4, DRAIN_DELAY="0s")

    assert report.failed
