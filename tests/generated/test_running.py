"""The built program, started, asked and stopped, with the defaults and with a database."""

import re
import signal

import pytest

from tests.generated.conftest import Project
from tests.generated.service import ANY_PORT, running
from tests.gotools import environment
from tests.support import Outcome, run

pytestmark = pytest.mark.go

ADA = {"name": "Ada Lovelace", "email": "ada@example.com"}


def command(project: Project, *arguments: str, **configuration: str) -> Outcome:
    return run([project.binary(), *arguments], cwd=project.path, env=environment() | configuration)


def test_service_in_memory_starts_answers_and_stops(memory_project: Project) -> None:
    with running(memory_project.binary()) as service:
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

        assert command(memory_project, "healthcheck", ADMIN_ADDR=service.admin).status == 0
        assert service.stop(signal.SIGTERM) == 0


def test_service_with_postgres_is_ready_after_the_migrations(postgres_project: Project, database: str) -> None:
    with running(postgres_project.binary(), DATABASE_URL=database) as service:
        assert service.ask("GET", "/livez", admin=True).status == 200
        assert service.ask("GET", "/readyz", admin=True).status == 503
        same = {"ADMIN_ADDR": service.admin, "DATABASE_URL": database}
        assert command(postgres_project, "healthcheck", **same).status == 1

        migrated = command(postgres_project, "migrate", DATABASE_URL=database)
        assert migrated.status == 0, migrated

        service.wait_until_ready()
        assert command(postgres_project, "healthcheck", **same).status == 0
        created = service.ask("POST", "/v1/users", ADA)
        assert created.status == 201, created
        assert service.ask("POST", "/v1/users", ADA).status == 409
        assert service.stop(signal.SIGTERM) == 0

    with running(postgres_project.binary(), DATABASE_URL=database) as restarted:
        assert restarted.ask("GET", "/v1/users").body == {"items": [created.body]}
        assert restarted.stop(signal.SIGINT) == 0


def test_migrate_again_changes_nothing(postgres_project: Project, database: str) -> None:
    assert [command(postgres_project, "migrate", DATABASE_URL=database).status for _ in range(2)] == [0, 0]


def test_version_is_the_one_built_in(project: Project) -> None:
    said = command(project, "version")

    assert said.status == 0
    assert "v1.2.3" in said.output


def test_healthcheck_without_a_service_fails(memory_project: Project) -> None:
    assert command(memory_project, "healthcheck", ADMIN_ADDR="127.0.0.1:1").status == 1


def test_wrong_configuration_names_every_mistake(project: Project) -> None:
    wrong = command(
        project, REQUEST_TIMEOUT="soon", LOG_LEVEL="loud", SHUTDOWN_TIMEOUT="-1s", **{**ANY_PORT, "DRAIN_DELAY": "long"}
    )

    assert wrong.status == 2
    names = {"REQUEST_TIMEOUT", "LOG_LEVEL", "DRAIN_DELAY", "SHUTDOWN_TIMEOUT"} | (
        {"DATABASE_URL"} if project.has_database else set()
    )
    assert {name for name in names if name not in wrong.output} == set()


def test_unknown_command_is_refused(project: Project) -> None:
    assert command(project, "frobnicate").status == 2


def test_occupied_address_is_a_failure(memory_project: Project) -> None:
    with running(memory_project.binary()) as service:
        second = command(memory_project, **{**ANY_PORT, "HTTP_ADDR": service.public})

        assert second.status == 1
        assert service.public in second.output
