"""What a newcomer does first to a service leaves its CI green."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import vulndb
from tests.generated.conftest import Project, Settings
from tests.generated.first_edits import grpc_service, http_service, worker
from tests.generated.first_edits.author import Author
from tests.gotools import provide_programs
from tests.rendering import render_variant
from tests.support import Shared
from tests.variants import Variant, landmarks

pytestmark = pytest.mark.go

EDIT = {"go-http-service": http_service.edit, "go-grpc-service": grpc_service.edit, "go-worker-pool": worker.edit}


@pytest.mark.parametrize("variant", landmarks(), ids=str)
def test_ci_stays_green(
    variant: Variant, shared: Shared, tests_settings_of: Callable[[Project], Settings], tmp_path: Path
) -> None:
    project = Project(render_variant(shared, variant), shared)
    service = tmp_path / "user-service"
    shutil.copytree(project.path, service)
    provide_programs(service)
    author = Author(service)

    EDIT[variant.template](author, project)

    vulnerabilities = vulndb.write(tmp_path / "vulnerabilities")
    checked = author.run("make", "ci", f"VULNDB={vulnerabilities}", CI="true", **tests_settings_of(project))
    assert checked.status == 0, checked
