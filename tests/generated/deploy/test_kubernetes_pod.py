"""Pods without a cluster: the real program with the arguments, the settings and the files that its container has."""

import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.generated.conftest import Project, Settings
from tests.generated.dependencies import dependency_of
from tests.generated.deploy.manifests import OVERLAYS, Manifests
from tests.generated.service import running
from tests.gotools import environment
from tests.rendering import render_variant
from tests.support import Shared, run
from tests.variants import Variant, landmarks

pytestmark = [pytest.mark.go, pytest.mark.parametrize("overlay", OVERLAYS)]

UNITS = {"Mi": 1 << 20, "Gi": 1 << 30}


@pytest.mark.parametrize("variant", landmarks(), ids=str)
def test_pod_answers_its_probes(
    variant: Variant, overlay: str, shared: Shared, settings_of: Callable[[Project], Settings], tmp_path: Path
) -> None:
    project = Project(render_variant(shared, variant), shared)
    if needed := dependency_of(variant):
        (tmp_path / needed.kind).mkdir()
        (tmp_path / needed.kind / "url").write_text(settings_of(project)[needed.variable], encoding="utf-8")

    live(project, overlay, shared, tmp_path)


def live(project: Project, overlay: str, shared: Shared, volumes: Path) -> None:
    """A pod's life: its init containers one after the other, its probes, its end. A volume is a directory of its name."""
    objects = Manifests(project.rendering, shared).overlay(overlay)
    for container in objects.pod["spec"].get("initContainers", []):
        settings = environment() | variables(container, volumes)
        initialized = run([project.binary(), *container["args"]], cwd=volumes, env=settings)
        assert initialized.status == 0, initialized

    with running(project.binary(), **variables(objects.main, volumes)) as service:
        for probe in ("startup", "readiness", "liveness"):
            path = objects.main[f"{probe}Probe"]["httpGet"]["path"]
            assert service.ask("GET", path, admin=True).status == 200, probe
        assert service.stop(signal.SIGTERM) == 0


def variables(container: Any, volumes: Path) -> dict[str, str]:
    """The environment of a container, with paths below the directory of the volumes for those below its mounts."""
    values = {variable["name"]: value_of(variable, container) for variable in container["env"]}
    for mount in container.get("volumeMounts", []):
        below = re.compile(rf"{re.escape(mount['mountPath'])}(?=/)")
        values = {name: below.sub(str(volumes / mount["name"]), value) for name, value in values.items()}
    return values


def value_of(variable: Any, container: Any) -> str:
    if "value" in variable:
        return str(variable["value"])
    section, resource = variable["valueFrom"]["resourceFieldRef"]["resource"].split(".")
    amount = container["resources"][section][resource]
    return str(int(amount[:-2]) * UNITS[amount[-2:]])
