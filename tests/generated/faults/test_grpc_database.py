"""A database that stops or hangs: a gRPC service says so, recovers by itself, and no watch misses a change unnoticed."""

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.generated.calls import Calls, active, connected, handled
from tests.generated.faults.calling import Programs, failed, loaded
from tests.generated.faults.mirror import everybody, mirroring
from tests.generated.faults.subject import Subject
from tests.generated.postgres import Server, StopMode
from tests.generated.service import eventually

pytestmark = pytest.mark.go

ENOUGH = 100
"""Calls that a load waits for."""

METHODS = ("CreateUser", "GetUser", "ListUsers")

BUSY = {f"{method} Unavailable" for method in METHODS}

BROKEN = {f"{method} Internal" for method in METHODS}
"""For what was under way when the server stopped: nobody knows whether it was done."""

GOOD = {f"{method} OK" for method in METHODS}

MISSED = ("UNAVAILABLE", "Changes may have been missed: watch and list again.")

MIRRORS = 3


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_service_and_watches_outlive_a_restart_of_the_database(
    mode: StopMode, stored_grpc_subject: Subject, own_postgres: Server, programs: Programs
) -> None:
    def created() -> float:
        return handled(service, "CreateUser", "OK")

    def stopped() -> bool:
        if created() < ENOUGH:
            return False
        own_postgres.stop(mode)
        eventually(lambda: not service.is_ready())
        return True

    def started() -> bool:
        own_postgres.start()
        eventually(lambda: next(client.watch_health()) == "SERVING")
        return True

    def refused() -> bool:
        assert {client.ask("ListUsers").code for _ in range(ENOUGH)} == {"UNAVAILABLE"}
        return True

    project = stored_grpc_subject.project.path
    with stored_grpc_subject.running() as service, connected(project, service.grpc) as client:
        service.wait_until_ready()
        assert client.ask("ListUsers").code == "OK"
        before = service.goroutines()
        with mirroring(project, service.grpc, mirrors=MIRRORS) as mirrors:
            stopping = loaded(programs, service.grpc, until=stopped)
            assert stopping.keys() <= GOOD | BUSY | BROKEN
            assert "CreateUser Unavailable" in stopping
            assert service.ask("GET", "/livez", admin=True).status == 200

            down = loaded(programs, service.grpc, until=refused)
            assert down.keys() == {"CreateUser Unavailable", "ListUsers Unavailable"}  # none was created that could be asked for

            starting = loaded(programs, service.grpc, until=started)
            assert starting.keys() <= GOOD | BUSY

            so_far = created()
            assert failed(loaded(programs, service.grpc, until=lambda: created() >= so_far + ENOUGH)) == {}

            for mirror in mirrors:
                mirror.wait_until_complete()
            last = create(client)
            for mirror in mirrors:
                mirror.wait_until_it_knows(last)
                assert mirror.users == everybody(client)
                assert mirror.ends[0] == MISSED
                assert {code for code, _ in mirror.ends} == {"UNAVAILABLE"}
        service.wait_until_goroutines(before)
        assert service.metric("panics_total") == 0
        assert service.stop(signal.SIGTERM) == 0


def test_over_the_limit_clients_are_told_when_to_try_again(stored_grpc_subject: Subject, own_postgres: Server) -> None:
    settings = {"MAX_IN_FLIGHT": "2", "REQUEST_TIMEOUT": "20s"}
    with (
        stored_grpc_subject.running(**settings) as service,
        connected(stored_grpc_subject.project.path, service.grpc) as client,
        ThreadPoolExecutor() as pool,
    ):
        service.wait_until_ready()
        with own_postgres.locked(stored_grpc_subject.settings["DATABASE_URL"], "users"):
            waiting = [pool.submit(client.ask, "ListUsers") for _ in range(2)]
            eventually(lambda: active(service) == 2)

            refused = client.begin("ListUsers")
            assert (refused.code().name, refused.details()) == ("UNAVAILABLE", "The service is busy.")
            assert dict(refused.trailing_metadata())["grpc-retry-pushback-ms"] == "1000"
            assert next(client.watch_health()) == "SERVING"
            assert service.is_ready()
            assert not any(one.done() for one in waiting)
        assert [one.result().code for one in waiting] == ["OK", "OK"]
        assert client.ask("ListUsers").code == "OK"
        assert service.stop(signal.SIGTERM) == 0


def test_lock_in_the_database_ends_with_the_deadline(stored_grpc_subject: Subject, own_postgres: Server) -> None:
    project = stored_grpc_subject.project.path
    with stored_grpc_subject.running(REQUEST_TIMEOUT="500ms") as service, connected(project, service.grpc) as client:
        service.wait_until_ready()
        with own_postgres.locked(stored_grpc_subject.settings["DATABASE_URL"], "users"):
            assert client.ask("ListUsers").code == "DEADLINE_EXCEEDED"
        assert client.ask("ListUsers").code == "OK"
        assert service.stop(signal.SIGTERM) == 0


def create(client: Calls) -> str:
    created = client.ask("CreateUser", {"user": {"name": "Last", "email": "last@example.com"}})
    assert created.code == "OK", created
    return str(created.body["user"]["id"])
