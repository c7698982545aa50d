"""The templates under tools that are not ours: plain Copier, without --trust, and pytest-copie."""

import os
import subprocess
from pathlib import Path

import pytest
from pytest_copie.plugin import Copie

from tests.rendering import ANSWERS_FILE, Rendering, render_variant
from tests.support import Shared, program
from tests.variants import Variant, landmarks


@pytest.mark.parametrize("landmark", landmarks(), ids=str)
def test_copier_on_the_command_line_renders_the_same(landmark: Variant, shared: Shared, tmp_path: Path) -> None:
    expected = render_variant(shared, landmark)
    data = [word for key, value in landmark.answers.items() for word in ("--data", f"{key}={value}")]

    subprocess.run(
        [program("copier"), "copy", "--quiet", "--defaults", *data, shared.path / "template", tmp_path / "service"],
        check=True,
        env=os.environ,
    )

    assert Rendering(landmark, tmp_path / "service").files == expected.files


@pytest.mark.parametrize("landmark", landmarks(), ids=str)
def test_pytest_copie_renders_the_same(landmark: Variant, shared: Shared, copie: Copie) -> None:
    expected = render_variant(shared, landmark)

    result = copie.copy(landmark.answers, template_dir=shared.path / "template")

    assert result.exception is None
    assert result.project_dir is not None
    rendered = Rendering(landmark, result.project_dir).files
    assert rendered.keys() == expected.files.keys()
    assert {path for path in rendered if rendered[path] != expected.files[path]} == set()
    assert ANSWERS_FILE in rendered
