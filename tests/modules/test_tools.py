"""The tools of a service run from tools/go.mod, and the service itself knows nothing of them."""

import pytest

from maintenance import modules
from tests.gotools import go
from tests.rendering import render_variant
from tests.support import Shared
from tests.variants import landmarks

DEFAULTS = next(variant for variant in landmarks() if variant.label == "defaults")

pytestmark = pytest.mark.go


def test_govulncheck_runs_at_its_pinned_version(shared: Shared) -> None:
    service = render_variant(shared, DEFAULTS)
    version = modules.read(modules.SOURCE)["tools"].versions["golang.org/x/vuln"]

    said = go(service.path, "tool", "-modfile=tools/go.mod", "govulncheck", "-version")

    assert said.status == 0, said
    assert f"Scanner: govulncheck@{version}\n" in said.output


def test_the_service_does_not_hold_its_tools(shared: Shared) -> None:
    service = render_variant(shared, DEFAULTS)

    listed = go(service.path, "list", "-m", "all")

    assert listed.status == 0, listed
    assert "golang.org/x/vuln" not in listed.output
    assert f"{service.module}/tools" not in go(service.path, "list", "./...").output.split()
