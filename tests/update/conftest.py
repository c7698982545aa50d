"""Template histories, and services that follow them; the servers that tests of these services need."""

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gopherforge import source
from gopherforge.change import Place
from gopherforge.report import Progress
from gopherforge.source import Source
from tests.core.history import Project
from tests.generated.conftest import broker, database, names, postgres, settings_of, tests_settings_of
from tests.update.upstream import make, upstream

__all__ = ["broker", "database", "names", "postgres", "settings_of", "tests_settings_of"]


@pytest.fixture(scope="session")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    """All of them, and the newest templates."""
    with source.open_source(os.environ, tmp_path_factory.mktemp("releases")) as opened:
        yield opened


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The small template. Only to be read."""
    return upstream(tmp_path_factory.mktemp("upstream") / "project")


@pytest.fixture
def service(templates: Project, tmp_path: Path) -> Path:
    """A service made with v0.1.0."""
    return make(templates, tmp_path / "orders", "v0.1.0")


@pytest.fixture
def place_of(tmp_path: Path) -> Callable[[Project], Place]:
    return lambda project: Place(dict(os.environ), tmp_path, Progress(io.StringIO()), package=project.package)


@pytest.fixture
def place(templates: Project, place_of: Callable[[Project], Place]) -> Place:
    """Where commands run that take the small template: beside the service, without a terminal."""
    return place_of(templates)
