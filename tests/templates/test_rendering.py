"""What every rendered project keeps, whatever was answered: its set of files, and texts that read as written by hand."""

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.gotools import gofmt
from tests.rendering import ANSWERS_FILE, Rendering, render, render_variant
from tests.support import Shared
from tests.variants import Variant, landmarks

EXPECTED = yaml.safe_load((Path(__file__).parent / "files.yml").read_text(encoding="utf-8"))

LEFTOVER = re.compile(r"\[\[|\[%|\[#|//%|^\s*// %|jinja", re.IGNORECASE | re.MULTILINE)
QUOTED = {"LICENSE"}
"""Texts that are others', word for word."""
MAY_SPEAK_OF_COPIER = {ANSWERS_FILE, "README.md", "AGENTS.md"}

UNUSUAL = {
    "name": "a1",
    "module": "Zz.example/Acme/users.api/v2",
    "description": "Bücher & Ähnliches: 100 % günstig.",
}


def test_the_files_are_those_of_the_table(rendering: Rendering) -> None:
    rendered, expected = set(rendering.files), _expected(rendering.variant)

    assert (rendered - expected, expected - rendered) == (set(), set())


def test_every_row_of_the_table_counts(renderings: list[Rendering]) -> None:
    rows = {(template, condition) for template, rows in EXPECTED.items() for condition in rows}

    counting = {row for row in rows for one in renderings if row[0] == one.variant.template and one.variant.meets(row[1])}

    assert rows == counting


def test_no_directory_is_empty(rendering: Rendering) -> None:
    assert [path for path in rendering.path.rglob("*") if path.is_dir() and not any(path.iterdir())] == []


def test_nothing_of_the_template_is_left(rendering: Rendering) -> None:
    assert [(path, match[0]) for path, text in rendering.texts.items() if (match := LEFTOVER.search(text))] == []


def test_only_the_documents_speak_of_copier(rendering: Rendering) -> None:
    named = {path for path, text in rendering.texts.items() if "copier" in text.replace(ANSWERS_FILE, "").lower()}

    assert named <= MAY_SPEAK_OF_COPIER


def test_texts_are_tidy(rendering: Rendering) -> None:
    untidy = {
        path: flaws
        for path, text in rendering.texts.items()
        if path not in QUOTED and (flaws := [name for name, pattern in UNTIDY.items() if re.search(pattern, text)])
    }

    assert untidy == {}


UNTIDY = {
    "two blank lines": r"\n[ \t]*\n[ \t]*\n",
    "blank at the start": r"\A\s",
    "blank at the end of a line": r"[ \t\r]\n",
    "no newline at the end, or more than one": r"[^\n]\Z|\n\n\Z",
}


def test_data_files_parse(rendering: Rendering) -> None:
    parsers: dict[str, Callable[[str], Any]] = {
        ".yml": yaml.safe_load,
        ".yaml": yaml.safe_load,
        ".json": json.loads,
        ".toml": tomllib.loads,
    }

    for path, text in rendering.texts.items():
        if parse := parsers.get(Path(path).suffix):
            assert parse(text), path


def test_the_answers_are_recorded(rendering: Rendering) -> None:
    recorded = yaml.safe_load(rendering.texts[ANSWERS_FILE])

    asked = {key: value for key, value in recorded.items() if not key.startswith("_")}
    assert asked == {"module": "example.com/user-service", "description": "A Go service.", **rendering.variant.answers}


def test_go_files_are_formatted(rendering: Rendering) -> None:
    assert gofmt(rendering.path) == ""


def test_the_wiring_fits_on_a_page(rendering: Rendering) -> None:
    mains = [text for path, text in rendering.texts.items() if re.fullmatch(r"cmd/\w+/main\.go", path)]

    assert len(mains) == 1
    assert len(mains[0].splitlines()) <= 60


def test_rendering_again_gives_the_same_bytes(rendering: Rendering, shared: Shared, tmp_path: Path) -> None:
    again = Rendering(rendering.variant, render(shared.path / "template", tmp_path / "again", rendering.variant.answers))

    assert again.files == rendering.files


@pytest.mark.parametrize("landmark", landmarks(), ids=str)
def test_unusual_names_change_only_names(landmark: Variant, shared: Shared, tmp_path: Path) -> None:
    usual = render_variant(shared, landmark)
    unusual = Rendering(landmark, render(shared.path / "template", tmp_path / "a1", landmark.answers | UNUSUAL))

    assert gofmt(unusual.path) == ""
    assert set(unusual.files) == set(usual.files)
    assert [path for path, text in unusual.texts.items() if "user-service" in text or "example.com/user" in text] == []


def _expected(variant: Variant) -> set[str]:
    rows = EXPECTED[variant.template]
    return {path for condition, paths in rows.items() if variant.meets(condition) for path in paths}
