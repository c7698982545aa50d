"""How a gRPC service ends when it is told to: callers hear of it, what has begun is finished, and watches end by themselves."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from tests.generated.calls import Calls, active, connected
from tests.generated.faults.subject import Subject
from tests.generated.postgres import Server
from tests.generated.service import eventually

pytestmark = pytest.mark.go

STOPPING = ("UNAVAILABLE", "The service is stopping: watch and list again.")

LONG = {"DRAIN_DELAY": "1h", "SHUTDOWN_TIMEOUT": "1h"}
"""Longer than any test waits."""

ADA = {"name": "Ada Lovelace", "email": "ada@example.com"}


def begin_watch(client: Calls) -> Any:
    watch = client.begin("WatchUsers")
    assert watch.initial_metadata() is not None, watch.details()
    return watch


def test_health_follows_the_service_from_start_to_stop(grpc_subject: Subject) -> None:
    with grpc_subject.running(DRAIN_DELAY="5s") as service, connected(grpc_subject.project.path, service.grpc) as client:
        watches = [client.watch_health(name) for name in ("", "user.v1.UserService")]
        eventually(lambda: {next(client.watch_health()), next(client.watch_health(""))} == {"SERVING"})
        assert next(client.watch_health("user.v1.NoService")) == "SERVICE_UNKNOWN"
        for watch in watches:
            while next(watch) != "SERVING":
                pass

        service.process.send_signal(signal.SIGTERM)
        assert [next(watch) for watch in watches] == ["NOT_SERVING", "NOT_SERVING"]
        assert client.ask("ListUsers").code == "OK"  # it drains
        assert [end_of(watch) for watch in watches] == ["UNAVAILABLE", "UNAVAILABLE"]
        assert service.process.wait(30) == 0


def end_of(health: Iterator[str]) -> str:
    """With which code a watch of the health ends."""
    with pytest.raises(grpc.RpcError) as ended:
        next(health)
    error: Any = ended.value
    return str(error.code().name)


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_a_watch_ends_by_itself(told: int, grpc_subject: Subject) -> None:
    delay = {"DRAIN_DELAY": "0s" if told == signal.SIGTERM else "1h"}
    with grpc_subject.running(**delay, SHUTDOWN_TIMEOUT="1h") as service:
        with connected(grpc_subject.project.path, service.grpc) as client:
            watch = begin_watch(client)
            assert service.stop(told) == 0
            assert (watch.code().name, watch.details()) == STOPPING
        assert service.rest_of_log()[-1]["msg"] == "stopped"


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_second_signal_ends_at_once(second: int, grpc_subject: Subject) -> None:
    with grpc_subject.running(**LONG) as service, connected(grpc_subject.project.path, service.grpc) as client:
        watch = begin_watch(client)
        service.process.send_signal(signal.SIGTERM)
        service.logged("stopping")

        assert service.stop(second) == -second
        assert watch.code().name == "UNAVAILABLE"


def test_a_call_that_has_begun_is_finished(stored_grpc_subject: Subject, own_postgres: Server) -> None:
    with (
        stored_grpc_subject.running(REQUEST_TIMEOUT="20s") as service,
        connected(stored_grpc_subject.project.path, service.grpc) as client,
        ThreadPoolExecutor() as pool,
    ):
        service.wait_until_ready()
        with own_postgres.locked(stored_grpc_subject.settings["DATABASE_URL"], "users"):
            creating = pool.submit(client.ask, "CreateUser", {"user": ADA})
            eventually(lambda: active(service) == 1)
            service.process.send_signal(signal.SIGTERM)
            service.logged("stopping")
            assert not creating.done()
        created = creating.result()
        assert created.code == "OK", created
        assert service.process.wait(30) == 0
