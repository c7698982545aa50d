"""The services that the faults are done to, with the defaults and with everything on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.generated.brokers import Server as Broker
from tests.generated.conftest import Project
from tests.generated.dependencies import running_broker
from tests.generated.faults.calling import Programs, programs_of
from tests.generated.faults.loopback import own_address
from tests.generated.faults.subject import Subject
from tests.generated.faults.worker import Worker, employ
from tests.generated.postgres import Server, running_server
from tests.rendering import render_variant
from tests.support import Shared
from tests.variants import Variant, landmarks, variants

HTTP = [variant for variant in landmarks() if variant.template == "go-http-service"]

GRPC = [variant for variant in landmarks() if variant.template == "go-grpc-service"]

FULL_GRPC = [variant for variant in GRPC if variant.label == "full"]

WORKERS = {
    str(variant.answers["source"]): variant
    for variant in reversed(variants())
    if variant.template == "go-worker-pool" and variant.answers["source"] != "none"
}
"""One worker for each broker."""


def stored(variant: Variant) -> bool:
    return variant.answers.get("database", "none") != "none"


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[Server]:
    """A server that a test may stop and starts again."""
    with running_server(own_address()) as server:
        yield server


@pytest.fixture(params=HTTP, ids=str)
def subject(request: pytest.FixtureRequest, shared: Shared) -> Subject:
    """An HTTP service that becomes ready: in memory, and with a database that has its migrations."""
    return ready_to_start(request, shared)


@pytest.fixture(params=[*HTTP, *GRPC], ids=str)
def server(request: pytest.FixtureRequest, shared: Shared) -> Subject:
    """The same, or a gRPC service."""
    return ready_to_start(request, shared)


@pytest.fixture(params=GRPC, ids=str)
def grpc_subject(request: pytest.FixtureRequest, shared: Shared) -> Subject:
    """A gRPC service that becomes ready: in memory, and with a database that has its migrations."""
    return ready_to_start(request, shared)


@pytest.fixture(params=FULL_GRPC, ids=str)
def full_grpc_subject(request: pytest.FixtureRequest, shared: Shared, database: str) -> Subject:
    """A gRPC service with everything on, for what the variants cannot differ in."""
    return migrated(Project(render_variant(shared, request.param), shared), database)


@pytest.fixture(params=FULL_GRPC, ids=str)
def stored_grpc_subject(request: pytest.FixtureRequest, shared: Shared, own_postgres: Server) -> Subject:
    """A gRPC service whose data is in the server that the test may stop."""
    return migrated(Project(render_variant(shared, request.param), shared), own_postgres.create_database())


@pytest.fixture(scope="session")
def programs(shared: Shared) -> Programs:
    """The programs that call a gRPC service, whichever it is."""
    (variant,) = FULL_GRPC
    return programs_of(Project(render_variant(shared, variant), shared), shared)


def ready_to_start(request: pytest.FixtureRequest, shared: Shared) -> Subject:
    project = Project(render_variant(shared, request.param), shared)
    if not stored(request.param):
        return Subject(project)
    return migrated(project, request.getfixturevalue("database"))


@pytest.fixture(params=[variant for variant in HTTP if variant.label == "full"], ids=str)
def full_subject(request: pytest.FixtureRequest, shared: Shared, database: str) -> Subject:
    """An HTTP service with everything on, for what the variants cannot differ in."""
    return migrated(Project(render_variant(shared, request.param), shared), database)


@pytest.fixture(params=[variant for variant in HTTP if stored(variant)], ids=str)
def stored_subject(request: pytest.FixtureRequest, shared: Shared, own_postgres: Server) -> Subject:
    """An HTTP service whose data is in the server that the test may stop."""
    return migrated(Project(render_variant(shared, request.param), shared), own_postgres.create_database())


def migrated(project: Project, database: str) -> Subject:
    subject = Subject(project, {"DATABASE_URL": database})
    assert subject.run("migrate").status == 0
    return subject


@pytest.fixture(scope="module", params=WORKERS)
def own_broker(request: pytest.FixtureRequest) -> Iterator[tuple[str, Broker]]:
    """A broker that a test may stop and starts again, and what it is called."""
    with running_broker(request.param) as broker:
        yield request.param, broker


@pytest.fixture
def worker(own_broker: tuple[str, Broker], shared: Shared, names: Iterator[str], tmp_path: Path) -> Worker:
    """A worker with jobs of its own, at a broker that the test may stop."""
    source, broker = own_broker
    return employ(Project(render_variant(shared, WORKERS[source]), shared), shared, broker, next(names), tmp_path)
