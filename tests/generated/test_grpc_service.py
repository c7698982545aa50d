"""A gRPC service, built, started, called and stopped: in memory, with a database, and by REST."""

import signal
from http import HTTPStatus

import pytest

from tests.generated.calls import Calls, as_json, connected, handled
from tests.generated.conftest import Project
from tests.generated.faults.subject import Subject
from tests.rendering import render_variant
from tests.support import Shared
from tests.variants import one_with_each

pytestmark = pytest.mark.go

ADA = {"name": "Ada Lovelace", "email": "ada@example.com"}

VARIANTS = one_with_each("go-grpc-service", "database")
WITH_GATEWAY = one_with_each("go-grpc-service", "gateway")[True]


@pytest.fixture
def in_memory(shared: Shared) -> Subject:
    return Subject(Project(render_variant(shared, VARIANTS["none"]), shared))


@pytest.fixture
def stored(shared: Shared, database: str) -> Subject:
    return Subject(Project(render_variant(shared, VARIANTS["postgres"]), shared), {"DATABASE_URL": database})


@pytest.fixture
def with_gateway(shared: Shared, database: str) -> Subject:
    subject = Subject(Project(render_variant(shared, WITH_GATEWAY), shared), {"DATABASE_URL": database})
    if subject.project.has_database:
        assert subject.run("migrate").status == 0
    return subject


def create(client: Calls) -> str:
    created = client.ask("CreateUser", {"user": ADA})
    assert created.code == "OK", created
    user: dict[str, str] = created.body["user"]
    assert ADA.items() <= user.items()
    return user["id"]


def test_service_in_memory_starts_answers_and_stops(in_memory: Subject) -> None:
    with in_memory.running() as service, connected(in_memory.project.path, service.grpc) as client:
        assert service.public == ""
        assert "SERVING" in client.watch_health()  # the first answer may be from before the service was ready
        ada = create(client)
        assert client.ask("GetUser", {"id": ada}).body["user"]["name"] == ADA["name"]
        assert client.ask("GetUser", {"id": "nobody"}).code == "NOT_FOUND"
        assert [user["id"] for user in client.ask("ListUsers").body["users"]] == [ada]

        assert service.ask("GET", "/livez", admin=True).status == 200
        assert service.ask("GET", "/readyz", admin=True).status == 200
        assert [handled(service, "GetUser", code) for code in ("OK", "NotFound", "Internal")] == [1, 1, 0]

        assert in_memory.run("healthcheck", ADMIN_ADDR=service.admin).status == 0
        assert service.stop(signal.SIGTERM) == 0


def test_service_with_postgres_is_ready_after_the_migrations(stored: Subject) -> None:
    project = stored.project.path
    with stored.running() as service, connected(project, service.grpc) as client:
        health = client.watch_health()
        assert next(health) == "NOT_SERVING"
        assert service.ask("GET", "/readyz", admin=True).status == 503
        assert stored.run("healthcheck", ADMIN_ADDR=service.admin).status == 1

        migrated = stored.run("migrate")
        assert migrated.status == 0, migrated

        assert next(health) == "SERVING"
        service.wait_until_ready()
        assert stored.run("healthcheck", ADMIN_ADDR=service.admin).status == 0
        watch = client.begin("WatchUsers")
        assert watch.initial_metadata() is not None
        ada = create(client)
        assert as_json(next(watch))["user"]["id"] == ada
        assert client.ask("CreateUser", {"user": ADA}).code == "ALREADY_EXISTS"
        watch.cancel()
        assert service.stop(signal.SIGTERM) == 0

    with stored.running() as restarted, connected(project, restarted.grpc) as client:
        assert [user["id"] for user in client.ask("ListUsers").body["users"]] == [ada]
        assert restarted.stop(signal.SIGINT) == 0


def test_a_gateway_serves_the_same_users_by_rest(with_gateway: Subject) -> None:
    with with_gateway.running() as service, connected(with_gateway.project.path, service.grpc) as client:
        created = service.ask("POST", "/v1/users", ADA)
        assert created.status == HTTPStatus.CREATED, created
        ada = client.ask("GetUser", {"id": created.body["id"]})
        assert ada.body["user"]["email"] == ADA["email"]

        assert client.ask("DeleteUser", {"id": created.body["id"]}).code == "OK"
        assert service.ask("GET", f"/v1/users/{created.body['id']}").status == HTTPStatus.NOT_FOUND
        assert service.ask("GET", "/v1/nothing").headers["content-type"] == "application/problem+json"
        assert service.stop(signal.SIGTERM) == 0


@pytest.mark.parametrize("listener", ["GRPC_ADDR", "ADMIN_ADDR"])
def test_occupied_address_is_a_failure(listener: str, in_memory: Subject) -> None:
    with in_memory.running() as service:
        taken = {"GRPC_ADDR": service.grpc, "ADMIN_ADDR": service.admin}[listener]
        second = in_memory.run(**{"GRPC_ADDR": "127.0.0.1:0", "ADMIN_ADDR": "127.0.0.1:0", listener: taken})

        assert second.status == 1
        assert taken in second.output
