"""Templates with a history, as a checkout and as what an installation carries."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gopherforge import bundle
from gopherforge.source import Templates, locate
from tests.core.history import Project, released


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
