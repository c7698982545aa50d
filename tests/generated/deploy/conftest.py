"""What a rendered project brings for its deployment."""

from collections.abc import Callable

import pytest

from tests.generated.conftest import Project
from tests.generated.deploy.manifests import Manifests, variants_with_manifests
from tests.generated.faults.subject import Subject
from tests.rendering import render_variant
from tests.support import Shared


@pytest.fixture(params=variants_with_manifests(), ids=str)
def manifests(request: pytest.FixtureRequest, shared: Shared) -> Manifests:
    """Every variant with manifests under PROOF=full, otherwise the defaults and everything on."""
    return Manifests(render_variant(shared, request.param), shared)


@pytest.fixture
def subject_of(request: pytest.FixtureRequest) -> Callable[[Project], Subject]:
    """Makes a project's service ready to run: with a database that has its migrations, where it keeps its data in one."""

    def subject(project: Project) -> Subject:
        if not project.has_database:
            return Subject(project)
        stored = Subject(project, {"DATABASE_URL": request.getfixturevalue("database")})
        assert stored.run("migrate").status == 0
        return stored

    return subject
