"""What a rendered project brings for its deployment."""

from collections.abc import Callable

import pytest

from tests.generated.conftest import Project, Settings
from tests.generated.deploy.manifests import Manifests, variants_with_manifests
from tests.generated.faults.subject import Subject
from tests.rendering import render_variant
from tests.support import Shared


@pytest.fixture(params=variants_with_manifests(), ids=str)
def manifests(request: pytest.FixtureRequest, shared: Shared) -> Manifests:
    """Every variant with manifests under PROOF=full, otherwise the defaults and everything on."""
    return Manifests(render_variant(shared, request.param), shared)


@pytest.fixture
def subject_of(settings_of: Callable[[Project], Settings]) -> Callable[[Project], Subject]:
    """Makes a project's service ready to run: with a database that has its migrations, where it keeps its data in one."""

    def subject(project: Project) -> Subject:
        subject = Subject(project, settings_of(project))
        if project.has_database:
            assert subject.run("migrate").status == 0
        return subject

    return subject
