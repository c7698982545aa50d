"""The built program of every template: its commands, and what it refuses."""

import pytest

from tests.generated.conftest import Project
from tests.generated.dependencies import dependency_of
from tests.generated.faults.subject import Subject
from tests.generated.service import ANY_PORT

pytestmark = pytest.mark.go


def test_version_is_the_one_built_in(project: Project) -> None:
    said = Subject(project).run("version")

    assert said.status == 0
    assert "v1.2.3" in said.output


def test_healthcheck_without_a_service_fails(alone_project: Project) -> None:
    assert Subject(alone_project).run("healthcheck", ADMIN_ADDR="127.0.0.1:1").status == 1


def test_wrong_configuration_names_every_mistake(project: Project) -> None:
    mistakes = {"REQUEST_TIMEOUT": "soon", "LOG_LEVEL": "loud", "SHUTDOWN_TIMEOUT": "-1s", "DRAIN_DELAY": "long"}
    needed = dependency_of(project.variant)

    wrong = Subject(project).run(**{**ANY_PORT, **mistakes})

    assert wrong.status == 2
    names = {*mistakes, *([needed.variable] if needed else [])}
    assert {name for name in names if name not in wrong.output} == set()


def test_unknown_command_is_refused(project: Project) -> None:
    assert Subject(project).run("frobnicate").status == 2


def test_occupied_address_is_a_failure(alone_project: Project) -> None:
    subject = Subject(alone_project)
    with subject.running() as service:
        second = subject.run(**{**ANY_PORT, "ADMIN_ADDR": service.admin})

        assert second.status == 1
        assert service.admin in second.output
