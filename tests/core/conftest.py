"""Templates with a history, as a checkout and as what an installation carries."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gopherforge import bundle
from gopherforge.create import Request
from gopherforge.source import Templates, locate
from tests.core.history import ANSWERS, Project, released
from tests.core.installation import AS_ANYONE, Program, Waiting, installation, make_distribution
from tests.support import Shared, program


@pytest.fixture
def environ() -> dict[str, str]:
    return dict(os.environ)


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Only to be read."""
    return released(tmp_path_factory.mktemp("history") / "project")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """To be changed."""
    return released(tmp_path / "project")


@pytest.fixture(scope="session")
def package(history: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as a wheel installs it, with what it carries. Only to be read."""
    package = tmp_path_factory.mktemp("site-packages") / "gopherforge"
    scratch = tmp_path_factory.mktemp("scratch")
    package.mkdir()
    bundle.carry(history.path, scratch, os.environ).rename(package / "carried")
    return package


@pytest.fixture
def templates(package: Path, environ: dict[str, str]) -> Iterator[Templates]:
    with locate(None, environ, package) as templates:
        yield templates


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where services are made."""
    place = tmp_path / "a place"
    place.mkdir()
    return place


@pytest.fixture(scope="session")
def distribution(shared: Shared) -> Path:
    return shared.directory("distribution", make_distribution)


@pytest.fixture(scope="session")
def wheel(distribution: Path) -> Path:
    (wheel,) = (distribution / "dist").glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def installed(shared: Shared, wheel: Path) -> Program:
    return installation(shared, wheel)


@pytest.fixture
def as_anyone() -> list[str]:
    """What makes a command obey the modes of files, also where the tests run as root."""
    if os.geteuid() != 0:
        return []
    program("setpriv")
    return AS_ANYONE


@pytest.fixture
def waiting(tmp_path: Path) -> Waiting:
    return Waiting(tmp_path / "waiting")


@pytest.fixture
def request_at(templates: Templates, place: Path) -> Request:
    return Request(place / "user-service", ANSWERS, templates)
