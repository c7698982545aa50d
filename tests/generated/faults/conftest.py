"""The services that the faults are done to, with the defaults and with everything on."""

from collections.abc import Iterator

import pytest

from tests.generated.conftest import Project
from tests.generated.faults.loopback import own_address
from tests.generated.faults.subject import Subject
from tests.generated.postgres import Server, running_server
from tests.rendering import render_variant
from tests.support import Shared
from tests.variants import Variant, landmarks

HTTP = [variant for variant in landmarks() if variant.template == "go-http-service"]


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
