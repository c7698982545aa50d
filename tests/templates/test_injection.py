"""An answer is data: whatever it holds, each file still parses, means the same, and carries the answer unchanged."""

from pathlib import Path

import pytest
import yaml

from tests.gotools import gofmt
from tests.rendering import ANSWERS_FILE, Rendering, render, render_variant
from tests.support import Shared
from tests.variants import Variant, landmarks

DESCRIPTIONS = {
    "quotes": """It's "quoted", and `so`.""",
    "delimiters": "[[ name ]] [% endif %] [# note #] {{ .Values }} ${{ github.token }}",
    "line-statement": "//% if database",
    "yaml": "- yes: [no, {a: b}] # & *c !d |",
    "yaml-boolean": "no",
    "yaml-number": "0x1F",
    "yaml-document": "--- # not one",
    "shell": "$(touch owned) ${HOME} && $HOME; rm -rf *",
    "make": "$(shell touch owned) %.o: $@",
    "end-of-comment": '*/ import "os" // -->',
    "html": "</script><script>alert(1)</script>",
    "backslashes": r"C:\new\table \u0041 \" \\",
    "unicode": "Größe 測試 🚀 עברית",
    "padded": "  between blanks  ",
}

pytestmark = pytest.mark.parametrize("landmark", [one for one in landmarks() if one.label == "full"], ids=str)


@pytest.mark.parametrize("description", DESCRIPTIONS.values(), ids=DESCRIPTIONS)
def test_description_is_only_text(description: str, landmark: Variant, shared: Shared, tmp_path: Path) -> None:
    usual = render_variant(shared, landmark)
    answers = landmark.answers | {"description": description}

    hostile = Rendering(landmark, render(shared.path / "template", tmp_path / "hostile", answers))

    assert gofmt(hostile.path) == ""
    assert set(hostile.files) == set(usual.files)
    for path in changed(usual, hostile):
        if path.endswith((".yml", ".yaml")):
            expected = replaced(yaml.safe_load(usual.texts[path]), "A Go service.", description)
            assert yaml.safe_load(hostile.texts[path]) == expected, path
        else:
            assert hostile.texts[path] == usual.texts[path].replace("A Go service.", description), path
    assert ANSWERS_FILE in changed(usual, hostile)


def changed(usual: Rendering, hostile: Rendering) -> list[str]:
    return [path for path in usual.files if usual.files[path] != hostile.files[path]]


def replaced(value: object, old: str, new: str) -> object:
    """The value with one text in place of another, wherever in it."""
    if isinstance(value, dict):
        return {key: replaced(child, old, new) for key, child in value.items()}
    if isinstance(value, list):
        return [replaced(child, old, new) for child in value]
    return new if value == old else value
