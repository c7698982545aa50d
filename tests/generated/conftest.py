"""Rendered projects under the Go tools, and the servers for their tests: PostgreSQL, brokers."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from itertools import count
from pathlib import Path

import pytest

from tests.generated.brokers import Server as Broker
from tests.generated.dependencies import dependency_of, running_broker
from tests.generated.postgres import Server, running_server
from tests.gotools import go
from tests.rendering import ANSWERS_FILE, Rendering, render_variant
from tests.support import PROOF_IS_FULL, Outcome, Shared, digest
from tests.variants import landmarks, variants

UNREAD_BY_GO = re.compile(
    rf"{re.escape(ANSWERS_FILE)}|\.github/.*|deploy/.*|\.(git|docker)\w+|LICENSE|[A-Z]+\.md|Makefile|Dockerfile|compose\.yaml"
)

LDFLAGS = "-s -w -X main.version=v1.2.3"

Settings = dict[str, str]
"""Environment variables of a service."""


class Project:
    """A rendered Go module. What Go says to it is asked once for all projects that have the same Go files."""

    def __init__(self, rendering: Rendering, shared: Shared) -> None:
        self.rendering = rendering
        self.variant = rendering.variant
        self.path = rendering.path
        self.identity = digest({path: content for path, content in rendering.files.items() if not UNREAD_BY_GO.fullmatch(path)})
        self._shared = shared

    @property
    def has_database(self) -> bool:
        return self.variant.answers.get("database") not in (None, "none")

    def once(self, step: str, work: Callable[[], Outcome]) -> Outcome:
        """The outcome of a named step."""
        return self._shared.outcome(f"go/{self.identity}/{step}", work)

    def go(self, *arguments: str) -> Outcome:
        """The outcome of `go` with these arguments."""
        return self.once(" ".join(arguments).replace("/", "|"), lambda: go(self.path, *arguments))

    def binary(self) -> Path:
        """The program as the project's Dockerfile builds it."""

        def build(directory: Path) -> None:
            directory.mkdir(parents=True)
            built = go(self.path, "build", f"-ldflags={LDFLAGS}", "-o", directory, "./cmd/...", CGO_ENABLED="0")
            assert built.status == 0, built

        (program,) = self._shared.directory(f"go/{self.identity}/bin", build).iterdir()
        return program


@pytest.fixture(params=variants() if PROOF_IS_FULL else landmarks(), ids=str)
def project(request: pytest.FixtureRequest, shared: Shared) -> Project:
    """Every variant under PROOF=full, otherwise the defaults and everything on."""
    return Project(render_variant(shared, request.param), shared)


@pytest.fixture(params=[variant for variant in landmarks() if not dependency_of(variant)], ids=str)
def alone_project(request: pytest.FixtureRequest, shared: Shared) -> Project:
    """The projects that start without any server."""
    return Project(render_variant(shared, request.param), shared)


@pytest.fixture(params=[variant for variant in landmarks() if dict(variant.options).get("database") == "postgres"], ids=str)
def postgres_project(request: pytest.FixtureRequest, shared: Shared) -> Project:
    """The projects that keep their data in PostgreSQL."""
    return Project(render_variant(shared, request.param), shared)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """One server for each worker."""
    with running_server() as server:
        yield server


@pytest.fixture
def database(postgres: Server) -> str:
    """The URL of an empty database."""
    return postgres.create_database()


@pytest.fixture(scope="session")
def broker() -> Iterator[Callable[[str], Broker]]:
    """Gives the broker of a kind, which is started when it is needed first."""
    with ExitStack() as stack:
        yield cache(lambda source: stack.enter_context(running_broker(source)))


@pytest.fixture(scope="session")
def names() -> Iterator[str]:
    """Names for what belongs to one test at a broker."""
    return (f"jobs-{number}" for number in count(1))


@pytest.fixture
def settings_of(request: pytest.FixtureRequest) -> Callable[[Project], Settings]:
    """What a project's service needs to start: the database, or the broker and a queue, that it has for itself."""

    def settings(project: Project) -> Settings:
        needed = dependency_of(project.variant)
        if not needed:
            return {}
        if needed.kind == "database":
            return {needed.variable: request.getfixturevalue("database")}
        source = str(project.variant.answers["source"])
        return {
            needed.variable: request.getfixturevalue("broker")(source).url,
            "JOBS": next(request.getfixturevalue("names")),
        }

    return settings


@pytest.fixture
def tests_settings_of(settings_of: Callable[[Project], Settings]) -> Callable[[Project], Settings]:
    """What the integration tests of a project are told: where the server is that they need, if any."""

    def settings(project: Project) -> Settings:
        needed = dependency_of(project.variant)
        return {f"TEST_{needed.variable}": settings_of(project)[needed.variable]} if needed else {}

    return settings
