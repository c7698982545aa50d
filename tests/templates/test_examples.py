"""examples/ shows what the templates render: a change of a template is reviewed as a change there."""

import pytest

from tests.rendering import ANSWERS_FILE, Rendering, render_variant
from tests.source import ROOT
from tests.support import Shared
from tests.variants import Variant, landmarks

EXAMPLES = ROOT / "examples"


@pytest.mark.parametrize("landmark", landmarks(), ids=str)
def test_example_is_current(landmark: Variant, shared: Shared) -> None:
    expected = {path: text for path, text in render_variant(shared, landmark).texts.items() if path != ANSWERS_FILE}

    committed = Rendering(landmark, EXAMPLES / str(landmark)).texts

    assert committed.keys() == expected.keys(), "`make examples` renders them again"
    assert {path for path in committed if committed[path] != expected[path]} == set(), "`make examples` renders them again"


def test_there_are_no_other_examples() -> None:
    assert {path.name for path in EXAMPLES.iterdir()} == {str(landmark) for landmark in landmarks()}
