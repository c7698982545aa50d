"""Rendered projects under the Go tools, and a PostgreSQL server for their tests."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.generated.postgres import Server, running_server
from tests.gotools import go
from tests.rendering import ANSWERS_FILE, Rendering, render_variant
from tests.support import PROOF_IS_FULL, Outcome, Shared, digest
from tests.variants import landmarks, variants

UNREAD_BY_GO = re.compile(
    rf"{re.escape(ANSWERS_FILE)}|\.github/.*|deploy/.*|\.(git|docker)\w+|LICENSE|[A-Z]+\.md|Makefile|Dockerfile|compose\.yaml"
)

LDFLAGS = "-s -w -X main.version=v1.2.3"


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


@pytest.fixture(params=[variant for variant in landmarks() if dict(variant.options).get("database", "none") == "none"], ids=str)
def memory_project(request: pytest.FixtureRequest, shared: Shared) -> Project:
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
