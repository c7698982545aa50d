"""A database that stops, hangs or has no connection left: the service says so, in time, and recovers by itself."""

import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.generated.faults.load import Report, loading
from tests.generated.faults.subject import Subject
from tests.generated.postgres import Server, StopMode
from tests.generated.service import Answer, Service, eventually

pytestmark = pytest.mark.go

ENOUGH = 100
"""Answers that a load waits for."""

USERS = Path(__file__).with_name("users.lua")

GOOD = {"200 application/json", "201 application/json"}

BUSY = "503 application/problem+json, retry after 1"

BROKEN = "500 application/problem+json"
"""For what was under way when the server stopped: nobody knows whether it was done."""


def assert_problem(answer: Answer, status: int) -> None:
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json"), answer
    assert answer.body["status"] == status


def assert_alive_but_not_ready(service: Service) -> None:
    assert service.ask("GET", "/livez", admin=True).status == 200
    assert service.ask("GET", "/readyz", admin=True).status == 503


def loaded(service: Service, *, until: Callable[[], bool]) -> Report:
    """What a load meets until something holds."""
    with loading(service.public, USERS) as load:
        eventually(until)
        return load.end()


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_service_outlives_a_restart_of_the_database(mode: StopMode, stored_subject: Subject, own_postgres: Server) -> None:
    def served(status: int) -> float:
        labels = f'http_request_method="GET",http_response_status_code="{status}",http_route="/v1/users"'
        return service.metric(f"http_server_request_duration_seconds_count{{{labels}}}", otherwise=0)

    def stopped() -> bool:
        if served(200) < ENOUGH:
            return False
        own_postgres.stop(mode)
        eventually(lambda: not service.is_ready())
        return True

    def started() -> bool:
        own_postgres.start()
        service.wait_until_ready()
        return True

    with stored_subject.running() as service:
        service.wait_until_ready()
        before = service.goroutines()

        stopping = loaded(service, until=stopped)
        assert {BUSY} < set(stopping.answers) <= GOOD | {BUSY, BROKEN}
        assert_alive_but_not_ready(service)

        refused = served(503)
        down = loaded(service, until=lambda: served(503) >= refused + ENOUGH)
        assert set(down.answers) == {BUSY}

        starting = loaded(service, until=started)
        assert set(starting.answers) <= GOOD | {BUSY}

        good = served(200)
        assert loaded(service, until=lambda: served(200) >= good + ENOUGH).failed == {}
        assert not any([*stopping.failures.values(), *down.failures.values(), *starting.failures.values()])

        service.wait_until_active(0)
        service.wait_until_goroutines(before)
        assert service.metric("panics_total") == 0
        assert service.stop(signal.SIGTERM) == 0


def test_deadlines_hold_while_the_database_hangs(stored_subject: Subject, own_postgres: Server) -> None:
    with stored_subject.running(REQUEST_TIMEOUT="500ms") as service, ThreadPoolExecutor(20) as clients:
        service.wait_until_ready()
        before = service.goroutines()
        with own_postgres.frozen():
            for answer in clients.map(lambda _: service.ask("GET", "/v1/users"), range(40)):
                assert_problem(answer, 504)
            assert_alive_but_not_ready(service)

        service.wait_until_ready()
        assert service.ask("GET", "/v1/users").status == 200
        service.wait_until_goroutines(before)
        assert service.stop(signal.SIGTERM) == 0


def test_service_stops_while_the_database_hangs(stored_subject: Subject, own_postgres: Server) -> None:
    with stored_subject.running(REQUEST_TIMEOUT="500ms", SHUTDOWN_TIMEOUT="1s") as service:
        service.wait_until_ready()
        with own_postgres.frozen():
            assert_problem(service.ask("GET", "/v1/users"), 504)
            assert service.stop(signal.SIGTERM) == 1
            assert service.rest_of_log()[-1]["msg"].endswith("stop database: connections are still in use")


def test_exhausted_pool_is_busy(stored_subject: Subject, own_postgres: Server) -> None:
    database = stored_subject.settings["DATABASE_URL"]
    with stored_subject.running(DATABASE_MAX_CONNS="1", REQUEST_TIMEOUT="20s") as service, ThreadPoolExecutor() as pool:
        service.wait_until_ready()
        with own_postgres.locked(database, "users"):
            waiting = pool.submit(service.ask, "GET", "/v1/users")
            eventually(lambda: service.metric("pgxpool_acquired_conns") == 1)
            refused = service.ask("GET", "/v1/users")
            assert_problem(refused, 503)
            assert refused.headers["retry-after"] == "1"
            for _ in range(3):  # an answer of the readiness counts for a second
                assert service.ask("GET", "/readyz", admin=True).status == 200
                assert_problem(service.ask("GET", "/v1/users"), 503)
            assert not waiting.done()
        assert waiting.result().status == 200
        assert service.ask("GET", "/v1/users").status == 200
        assert service.stop(signal.SIGTERM) == 0


def test_lock_in_the_database_ends_with_the_deadline(stored_subject: Subject, own_postgres: Server) -> None:
    with stored_subject.running(REQUEST_TIMEOUT="500ms") as service:
        with own_postgres.locked(stored_subject.settings["DATABASE_URL"], "users"):
            assert_problem(service.ask("GET", "/v1/users"), 504)
        assert service.ask("GET", "/v1/users").status == 200
        assert service.stop(signal.SIGTERM) == 0
