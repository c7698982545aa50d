"""An HTTP service, built, started, asked and stopped: in memory, and with a database."""

import re
import signal

import pytest

from tests.generated.conftest import Project
from tests.generated.faults.subject import Subject
from tests.rendering import render_variant
from tests.support import Shared
from tests.variants import one_with_each

pytestmark = pytest.mark.go

ADA = {"name": "Ada Lovelace", "email": "ada@example.com"}


VARIANTS = one_with_each("go-http-service", "database")


@pytest.fixture
def in_memory(shared: Shared) -> Subject:
    return Subject(Project(render_variant(shared, VARIANTS["none"]), shared))


@pytest.fixture
def stored(shared: Shared, database: str) -> Subject:
    return Subject(Project(render_variant(shared, VARIANTS["postgres"]), shared), {"DATABASE_URL": database})


def test_service_in_memory_starts_answers_and_stops(in_memory: Subject) -> None:
    with in_memory.running() as service:
        created = service.ask("POST", "/v1/users", ADA)
        assert (created.status, created.headers["etag"]) == (201, '"1"')
        assert created.headers["location"] == f"/v1/users/{created.body['id']}"

        read = service.ask("GET", created.headers["location"])
        assert (read.status, read.body) == (200, created.body)
        assert service.ask("GET", "/v1/users").body == {"items": [created.body]}
        assert service.ask("GET", "/v1/nothing").headers["content-type"] == "application/problem+json"

        assert service.ask("GET", "/livez", admin=True).status == 200
        assert service.ask("GET", "/readyz", admin=True).status == 200
        metrics = service.ask("GET", "/metrics", admin=True).body
        assert re.search(r'http_server_request_duration_seconds_count\{.*http_route="/v1/users/\{id\}".*\} 1', metrics)

        assert in_memory.run("healthcheck", ADMIN_ADDR=service.admin).status == 0
        assert service.stop(signal.SIGTERM) == 0


def test_service_with_postgres_is_ready_after_the_migrations(stored: Subject) -> None:
    with stored.running() as service:
        assert service.ask("GET", "/livez", admin=True).status == 200
        assert service.ask("GET", "/readyz", admin=True).status == 503
        assert stored.run("healthcheck", ADMIN_ADDR=service.admin).status == 1

        migrated = stored.run("migrate")
        assert migrated.status == 0, migrated

        service.wait_until_ready()
        assert stored.run("healthcheck", ADMIN_ADDR=service.admin).status == 0
        created = service.ask("POST", "/v1/users", ADA)
        assert created.status == 201, created
        assert service.ask("POST", "/v1/users", ADA).status == 409
        assert service.stop(signal.SIGTERM) == 0

    with stored.running() as restarted:
        assert restarted.ask("GET", "/v1/users").body == {"items": [created.body]}
        assert restarted.stop(signal.SIGINT) == 0


def test_migrate_again_changes_nothing(stored: Subject) -> None:
    assert [stored.run("migrate").status for _ in range(2)] == [0, 0]


def test_occupied_public_address_is_a_failure(in_memory: Subject) -> None:
    with in_memory.running() as service:
        second = in_memory.run(ADMIN_ADDR="127.0.0.1:0", HTTP_ADDR=service.public)

        assert second.status == 1
        assert service.public in second.output
