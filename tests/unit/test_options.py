"""options.py: what is told about questions that depend on the template and on each other."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gopherforge.catalog import load
from gopherforge.errors import InvalidAnswer
from gopherforge.options import tell
from gopherforge.report import Result
from tests.unit.sources import DEPENDENT, build


def told(place: Path, template: str | None = None) -> Result:
    return tell(load(build(place, DEPENDENT)), template)


def by_key(result: Result) -> Mapping[str, Any]:
    questions = result.data["questions"]
    assert isinstance(questions, list)
    return {question["key"]: question for question in questions}


def test_people_see_answers_defaults_and_conditions(tmp_path: Path) -> None:
    assert (
        told(tmp_path).text
        == """\
Basics
  template  Which?
            web     web (default)
            worker  worker
  name      Its name.
            default: my-service
  verbose   Talk?
            true   yes
            false  no (default)
  loud      Shout?
            true   yes
            false  no
            default: [[ verbose ]]
            asked when [% if verbose %]1[% endif %]

Storage
  storage   Where to?
            none  Nowhere (default)
            sql   A database
            asked by web
  driver    By what?
            pgx   pgx
            sqlx  sqlx
            default: [[ 'sqlx' if verbose else 'pgx' ]]
            asked by web
            asked when [[ storage == 'sql' ]]
  note      Anything else?
            default: [[ name ]] keeps its data in [[ storage ]]"""
    )


def test_programs_see_the_same(tmp_path: Path) -> None:
    questions = by_key(told(tmp_path))
    assert list(questions) == ["driver", "loud", "name", "note", "storage", "template", "verbose"]
    assert questions["driver"] == {
        "key": "driver",
        "type": "str",
        "choices": ["pgx", "sqlx"],
        "default": "[[ 'sqlx' if verbose else 'pgx' ]]",
        "help": "By what?",
        "when": "[[ storage == 'sql' ]]",
        "templates": ["web"],
        "subject": "storage",
    }
    assert (questions["verbose"]["choices"], questions["verbose"]["default"]) == ([False, True], False)


def test_a_template_is_told_its_own_questions(tmp_path: Path) -> None:
    assert set(by_key(told(tmp_path, "worker"))) == {"template", "name", "verbose", "loud", "note"}


def test_an_unknown_template_is_refused_with_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(InvalidAnswer) as refused:
        told(tmp_path, "wroker")
    assert refused.value.message == '"wroker" is not a template: web or worker. Did you mean "worker"?'
    assert refused.value.hint == "leave it out for the questions of all templates."
