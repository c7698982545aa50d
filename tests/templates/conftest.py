"""Every variant, rendered, for the tests of this directory."""

import pytest

from tests.rendering import Rendering, render_variant
from tests.support import Shared
from tests.variants import variants


@pytest.fixture(params=variants(), ids=str)
def rendering(request: pytest.FixtureRequest, shared: Shared) -> Rendering:
    """One after the other, every variant."""
    return render_variant(shared, request.param)


@pytest.fixture(scope="session")
def renderings(shared: Shared) -> list[Rendering]:
    """All variants at once."""
    return [render_variant(shared, variant) for variant in variants()]
