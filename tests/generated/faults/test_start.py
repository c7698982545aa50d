"""What keeps a service from starting or from being ready is said in one go, with the name of what is wrong."""

import re
import signal
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.generated.conftest import Project
from tests.generated.faults.conftest import GRPC, HTTP, stored
from tests.generated.faults.subject import Subject
from tests.generated.postgres import Server
from tests.generated.service import ANY_PORT
from tests.rendering import render_variant
from tests.settings import settings_of
from tests.support import Shared

pytestmark = pytest.mark.go


@pytest.fixture(params=[variant for variant in [*HTTP, *GRPC] if stored(variant)], ids=str)
def unmigrated(request: pytest.FixtureRequest, shared: Shared, postgres: Server) -> Subject:
    project = Project(render_variant(shared, request.param), shared)
    return Subject(project, {"DATABASE_URL": postgres.create_database()})


def test_service_waits_for_its_migrations(unmigrated: Subject) -> None:
    with unmigrated.running() as service:
        unready = service.ask("GET", "/readyz", admin=True)
        pending = migrations_of(unmigrated)
        said = f"not ready: database: migrations pending: {pending}; run the migrate command\n"
        assert (unready.status, unready.body) == (503, said)
        assert service.ask("GET", "/livez", admin=True).status == 200

        assert unmigrated.run("migrate").status == 0

        service.wait_until_ready()
        assert service.ask("GET", "/v1/users").status == 200
        assert service.stop(signal.SIGTERM) == 0


def test_migrations_started_together_run_once(unmigrated: Subject) -> None:
    with ThreadPoolExecutor() as pool:
        ended = list(pool.map(lambda _: unmigrated.run("migrate"), range(4)))

    assert [outcome.status for outcome in ended] == [0, 0, 0, 0], ended
    applied = [re.findall(r'"database is up to date","applied":(\d+)', outcome.output) for outcome in ended]
    assert sorted(applied) == [["0"], ["0"], ["0"], [str(migrations_of(unmigrated))]]


def test_taken_port_is_named(server: Subject) -> None:
    listeners = ANY_PORT.keys() & settings_of(server.project.rendering)
    for listener in listeners - {"DRAIN_DELAY"}:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            failed = server.run(**{**ANY_PORT, listener: address})

        assert failed.status == 1
        part = listener.removesuffix("_ADDR").lower()
        said = failed.output.splitlines()[-1]
        name = server.project.variant.answers["name"]
        assert said == f"{name}: serve: start {part}: take the address: listen tcp {address}: bind: address already in use"


def test_every_wrong_value_is_named_at_once(server: Subject) -> None:
    variables = settings_of(server.project.rendering)

    failed = server.run(**dict.fromkeys(variables, "wrong"))

    assert failed.status == 2
    assert {line.split(":")[0].strip() for line in failed.output.splitlines() if ": want " in line} == variables


def test_missing_secret_file_is_named(unmigrated: Subject) -> None:
    failed = unmigrated.run(DATABASE_URL="", DATABASE_URL_FILE="nothing/here")

    assert failed.status == 2
    assert "DATABASE_URL_FILE: want " in failed.output


def migrations_of(subject: Subject) -> int:
    return len([path for path in subject.project.rendering.files if path.startswith("internal/user/migrations/0")])
