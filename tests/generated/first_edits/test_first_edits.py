"""What a newcomer does first to a service leaves its CI green."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import source, vulndb
from tests.generated.conftest import Project, Settings
from tests.generated.first_edits import http_service, worker
from tests.generated.first_edits.author import Author
from tests.rendering import render_variant
from tests.support import Shared, program
from tests.variants import Variant, landmarks

pytestmark = pytest.mark.go

EDIT = {"go-http-service": http_service.edit, "go-worker-pool": worker.edit}


@pytest.mark.parametrize("variant", landmarks(), ids=str)
def test_ci_stays_green(
    variant: Variant, shared: Shared, tests_settings_of: Callable[[Project], Settings], tmp_path: Path
) -> None:
    project = Project(render_variant(shared, variant), shared)
    service = tmp_path / "user-service"
    shutil.copytree(project.path, service)
    provide_linter(service)
    author = Author(service)

    EDIT[variant.template](author, project)

    vulnerabilities = vulndb.write(tmp_path / "vulnerabilities")
    checked = author.run("make", "ci", f"VULNDB={vulnerabilities}", CI="true", **tests_settings_of(project))
    assert checked.status == 0, checked


def provide_linter(service: Path) -> None:
    """Puts the linter, which takes minutes to build, to where the Makefile builds it."""
    version = source.CATALOG["golangci_lint_version"].default
    (service / "bin").mkdir()
    (service / f"bin/golangci-lint-{version}").symlink_to(program("golangci-lint"))
