"""What a newcomer does first to a service leaves its CI green."""

import shutil
from pathlib import Path

import pytest

from tests import source, vulndb
from tests.generated.conftest import Project
from tests.generated.first_edits import newcomer
from tests.generated.first_edits.author import Author
from tests.rendering import render_variant
from tests.support import Shared, program
from tests.variants import Variant, landmarks

pytestmark = pytest.mark.go


@pytest.mark.parametrize("variant", landmarks(), ids=str)
def test_ci_stays_green(variant: Variant, shared: Shared, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    project = Project(render_variant(shared, variant), shared)
    service = tmp_path / "user-service"
    shutil.copytree(project.path, service)
    provide_linter(service)
    author = Author(service)
    database = {"TEST_DATABASE_URL": request.getfixturevalue("database")} if project.has_database else {}

    newcomer.add_a_route(author)
    newcomer.add_a_field(author, has_database=project.has_database)
    newcomer.add_a_dependency(author)

    checked = author.run("make", "ci", f"VULNDB={vulndb.write(tmp_path / 'vulnerabilities')}", CI="true", **database)
    assert checked.status == 0, checked


def provide_linter(service: Path) -> None:
    """Puts the linter, which takes minutes to build, to where the Makefile builds it."""
    version = source.CATALOG["golangci_lint_version"].default
    (service / "bin").mkdir()
    (service / f"bin/golangci-lint-{version}").symlink_to(program("golangci-lint"))
